/**
 * The graph as a file: an SVG that stands alone, with the colours as shown, a title, what the sources were and what Flame
 * is not; or a PNG of it. Names no patient and writes no file.
 */

const NAMESPACE = 'http://www.w3.org/2000/svg';
/** What the style sheets decide about a mark, and a file without them would lose. */
const STYLED = [
  'fill',
  'stroke',
  'stroke-width',
  'stroke-dasharray',
  'stroke-linejoin',
  'paint-order',
  'opacity',
  'font-family',
  'font-size',
  'font-weight',
  'text-anchor',
] as const;
/** Attributes that mean something on the screen only. */
const SCREEN_ONLY = /^(aria-|data-|on|class$|style$|tabindex$|role$)/;
const MARGIN = 28;
const PIXEL_RATIO = 2;

export interface PictureWords {
  readonly title: string;
  /** One or two lines. */
  readonly footer: readonly string[];
}

/** @param drawing an SVG on the screen; what its viewBox shows is what the file shows, unzoomed */
export function svgPicture(drawing: SVGSVGElement, { title, footer }: PictureWords): string {
  const { width, height } = drawing.viewBox.baseVal;
  const page = getComputedStyle(drawing);
  const body = document.createElementNS(NAMESPACE, 'g');
  body.setAttribute('transform', `translate(0 ${MARGIN})`);
  for (const part of drawing.children) body.append(copyOf(part, part.tagName === 'g'));
  const ground = element('rect', { width, height: height + 2 * MARGIN, fill: groundOf(drawing) });
  const text = { fill: page.color, 'font-family': page.fontFamily, x: 10 };
  const head = element('text', { ...text, y: 19, 'font-size': 13, 'font-weight': 600 }, title);
  const feet = footer.map((line, i) =>
    element('text', { ...text, y: height + MARGIN + 10 + 11 * i, 'font-size': 8 }, line),
  );
  const file = element('svg', {
    viewBox: `0 0 ${width} ${height + 2 * MARGIN}`,
    width,
    height: height + 2 * MARGIN,
  });
  file.append(ground, head, body, ...feet);
  return new XMLSerializer().serializeToString(file);
}

/** The same picture as pixels, two for each pixel of the screen. */
export async function pngPicture(svg: string): Promise<Uint8Array> {
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = image.naturalWidth * PIXEL_RATIO;
    canvas.height = image.naturalHeight * PIXEL_RATIO;
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
    return new Uint8Array((await blob?.arrayBuffer()) ?? new ArrayBuffer(0));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * A mark with what the style sheets decide as plain attributes. Made anew, since a cloned style attribute would be refused
 * by the content security policy.
 * @param zoomed the mark is the one that carries the zoom, which the file leaves out
 */
function copyOf(from: Element, zoomed = false): Element {
  const copy = document.createElementNS(NAMESPACE, from.tagName);
  for (const { name, value } of from.attributes) if (!SCREEN_ONLY.test(name)) copy.setAttribute(name, value);
  const style = getComputedStyle(from);
  for (const property of STYLED) {
    const value = style.getPropertyValue(property);
    if (value !== '') copy.setAttribute(property, value);
  }
  const { transform } = style;
  if (transform.startsWith('matrix(')) copy.setAttribute('transform', transform);
  if (zoomed) copy.removeAttribute('transform');
  for (const child of from.childNodes)
    copy.append(child instanceof Element ? copyOf(child) : (child.textContent ?? ''));
  return copy;
}

/** The first ground behind the drawing that is not transparent. */
function groundOf(drawing: Element): string {
  for (let at: Element | null = drawing; at; at = at.parentElement) {
    const { backgroundColor } = getComputedStyle(at);
    if (!/^(transparent|rgba\(.*, 0\))$/.test(backgroundColor)) return backgroundColor;
  }
  return 'white';
}

function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  text?: string,
): SVGElement {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (text !== undefined) made.textContent = text;
  return made;
}

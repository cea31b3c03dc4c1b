/** The ways in which an order text may be read as a drug name: without pack, strength, diluent, route. Knows no drug. */

/**
 * The ways a name may be read, the whole one first: without the pack (`2 ML VIAL : …`, `… : 10 ML VIAL`), without
 * brackets, without what it is dissolved in (`… in D5W`), without everything from the first strength on.
 */
export function nameForms(name: string): string[] {
  const forms = new Set<string>();
  const add = (text: string): void => {
    const tidy = text.replace(/\s+/g, ' ').trim();
    if (tidy.length > 1) forms.add(tidy);
  };
  const packless = [name, ...splitOff(name)];
  for (const text of packless) add(text);
  for (const text of packless) {
    const bare = text
      .replace(/\([^)]*\)|\[[^\]]*\]/g, ' ')
      .replace(/^NDA\d+\s+/, '')
      .replace(/\*[^*]*\*+/g, ' ')
      .replace(/[%*]/g, ' ')
      .replace(/--+/g, '-');
    add(bare);
    const stem = bare
      .replace(/\s(?:in|for)\s.*$/i, '')
      .replace(/^\s*(?:prmx|nf)\s+/i, '')
      .replace(/^\D*?(?:\d[\d,.]*\s*(?:mg|mcg|ml|g|gram|unit|meq)s?\b\s*)(?=[a-z])/i, (prefix) =>
        /^\s*\d/.test(prefix) ? '' : prefix,
      );
    add(stem);
    add(stem.replace(/\s[.\d].*$/, ''));
    add(stem.replace(/[\s(]*[.\d].*$/, '').replace(/,.*$/, ''));
  }
  return [...forms];
}

function splitOff(name: string): string[] {
  const separator = /\s*:\s+|\s+-\s+/;
  const parts = name.split(separator);
  return parts.length > 1 ? parts.filter((part) => !/^[.\d]*\s*(?:ml|g|each)\b/i.test(part.trim())) : [];
}

/** Writes what a command has to say: lines and tables for people, one JSON document for machines. Decides no content. */

/** One document, so that `| jq` works; with two-space indentation, so that people can read it as well. */
export function writeJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function writeLines(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** Columns padded to their widest cell; the last one runs free. Numbers are the caller's to format. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, cell.length)));
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** A count with its noun: `1 visit`, `2 visits`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

/** Long text under a hanging indentation. */
export function wrapped(text: string, indent: string, width = 100): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(/\s+/)) {
    if (line.length + word.length + 1 > width && line.trim() !== '') {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  lines.push(line.trimEnd());
  return lines;
}

/** `2 h 05 min`, `4 min 10 s`, `12 s`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s >= 3600)
    return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')} min`;
  if (s >= 60) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`;
  return `${s} s`;
}

/** One line on the error stream that is written over while it changes; quiet where nobody watches. */
export class ProgressLine {
  readonly #live = process.stderr.isTTY;
  #last = 0;

  /** In a terminal the line is redrawn; elsewhere it is written at most every ten seconds. */
  show(text: string): void {
    const now = performance.now();
    if (this.#live) process.stderr.write(`\r\u001b[K${text}`);
    else if (now - this.#last > 10_000) process.stderr.write(`${text}\n`);
    else return;
    this.#last = now;
  }

  end(): void {
    if (this.#live && this.#last > 0) process.stderr.write('\r\u001b[K');
  }
}

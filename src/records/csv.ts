/** Writes records as CSV (RFC 4180) that a spreadsheet opens and cannot be made to run. Reads none. */

export const BYTE_ORDER_MARK = '\uFEFF';

/** One record: CRLF at its end, quotes where a field needs them, doubled within (RFC 4180, section 2). */
export function csvLine(fields: readonly (string | number | null)[]): string {
  const written = fields.map((field) =>
    field === null ? '' : typeof field === 'number' ? String(field) : inert(field),
  );
  return `${written.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')}\r\n`;
}

/** Text that a spreadsheet would run as a formula gets an apostrophe before it (OWASP, CSV Injection). */
function inert(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

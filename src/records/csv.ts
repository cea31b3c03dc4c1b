/** Writes records as CSV (RFC 4180) that a spreadsheet opens and cannot be made to run. Reads none. */

export const BYTE_ORDER_MARK = '\uFEFF';

/** One record: CRLF at its end, quotes where a field needs them, doubled within (RFC 4180, section 2). */
export function csvLine(fields: readonly (string | number | null)[]): string {
  const written = fields.map((field) =>
    field === null ? '' : typeof field === 'number' ? String(field) : inert(field),
  );
  return `${written.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')}\r\n`;
}

/**
 * Where a spreadsheet would begin a cell with a formula (OWASP, CSV Injection): at the beginning of a field, and after a semicolon or a line
 * end too, since spreadsheets of many countries cut a file at semicolons and then know no quotes around commas.
 */
const FORMULA = /(?<=(?:^|[;\r\n])"*)(?=[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20])/g;

/** The text with an apostrophe before each such place. */
function inert(text: string): string {
  return text.replace(FORMULA, "'");
}

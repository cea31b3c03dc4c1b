/**
 * What the end-to-end tests use of the database. The package's own types are found by a path in tsconfig.json, which
 * Playwright would follow when it runs the tests.
 */

declare module 'better-sqlite3' {
  export default class Database {
    constructor(file: string);
    pragma(text: string): unknown;
    key(key: Buffer): void;
    exec(sql: string): void;
    close(): void;
  }
}

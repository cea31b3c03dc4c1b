/**
 * Makes hostile parameters for any method from the schema of its parameters: of a wrong shape, or of the right shape with
 * hostile content. A method that is added to the contract is attacked without a line here.
 */

import fc from 'fast-check';
import { z } from 'zod';
import { PARAMETERS, type Api } from '../../src/engine/parameters.ts';

/** The parts of a JSON schema that zod writes for parameters. */
interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly format?: string;
  readonly propertyNames?: Schema;
  readonly additionalProperties?: Schema | boolean;
}

export function schemaOf(method: keyof Api): Schema {
  return z.toJSONSchema(PARAMETERS[method], { io: 'input', unrepresentable: 'any' }) as Schema;
}

/** Text that other programs have tripped over. `canary` is a file that must stay as it is. */
export function hostileText(canary: string): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...texts(canary)) },
    { weight: 6, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('x'.repeat(500_000), '\u{1F525}'.repeat(100_000), '"'.repeat(300)),
    },
  );
}

function texts(canary: string): string[] {
  return [
    canary,
    `file://${canary}`,
    `../../../../../../../..${canary}`,
    `${canary}\0.jsonl`,
    '/etc/passwd',
    '/dev/zero',
    '/proc/self/mem',
    'C:\\Windows\\win.ini',
    '\\\\server\\share\\file',
    '..',
    '',
    ' ',
    "'; DROP TABLE visits; --",
    "' OR '1'='1",
    '1 UNION SELECT sql FROM sqlite_schema',
    '" OR name : *',
    'NEAR(a b)',
    '<img src=x onerror=alert(1)>',
    '${process.exit(1)}',
    '{{constructor.constructor("return process")()}}',
    '$(touch /tmp/flame-executed)',
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '\u202Eetxe.exe',
    '\uD800',
    '\0',
    'NaN',
    '1e999',
    '9999-99-99',
    '2024-02-30',
    '=HYPERLINK("http://example.org")',
    '%s%n%x',
    '\u001b[2J',
  ];
}

/** Values of no shape that a method asks for, as far as they cross a message port. */
export function hostileValue(canary: string): fc.Arbitrary<unknown> {
  return fc.oneof(
    hostileText(canary),
    fc.constantFrom<unknown>(null, undefined, true, 0, -0, NaN, Infinity, 2 ** 53, -1, 1.5),
    fc.bigInt(),
    fc
      .constantFrom(
        () => new Map([['a', 1]]),
        () => new Set([1]),
        () => new Date(NaN),
        () => /x/g,
      )
      .map((make) => make() as unknown),
    fc.uint8Array({ maxLength: 20 }),
    fc.constantFrom(5, 100, 400).map(nested), // Electron's bridge lets a thousand levels pass,
    fc
      .constant(null)
      .map(
        () =>
          JSON.parse(
            '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
          ) as unknown,
      ),
    fc.constant(null).map(() => {
      const circular: Record<string, unknown> = {};
      circular['self'] = circular;
      return circular;
    }),
    fc.anything({
      maxDepth: 3,
      withBigInt: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
    }),
  );
}

function nested(depth: number): unknown {
  let value: unknown = 'deep';
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { value };
  return value;
}

/** Parameters of the right shape; every text in them is hostile, every number at a limit or beyond. */
export function rightShape(schema: Schema, canary: string): fc.Arbitrary<unknown> {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map((choice) => rightShape(choice, canary)));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'object': {
      const { properties = {}, required = [] } = schema;
      const model = Object.fromEntries(
        Object.entries(properties).map(([name, part]) => [name, rightShape(part, canary)]),
      );
      return fc.record(model, {
        requiredKeys: Object.keys(properties).filter((name) => required.includes(name)),
      });
    }
    case 'array':
      if (schema.prefixItems) return fc.tuple(...schema.prefixItems.map((part) => rightShape(part, canary)));
      return fc.array(rightShape(schema.items ?? {}, canary), { maxLength: 4 });
    case 'string':
      if (schema.format === 'date')
        return fc.constantFrom('0001-01-01', '9999-12-31', '2024-02-29', '1970-01-01');
      return hostileText(canary);
    case 'integer':
      return fc.constantFrom(schema.minimum ?? -1, schema.maximum ?? 2 ** 53, 0, 1);
    case 'number':
      return fc.constantFrom(0, -0, 1e308, -1e308, 5e-324, 0.1 + 0.2);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return hostileValue(canary);
  }
}

/** Parameters of a shape that the schema does not allow. */
export function wrongShape(schema: Schema, canary: string): fc.Arbitrary<unknown> {
  const notAnObject = hostileValue(canary).filter(
    (value) =>
      typeof value !== 'object' ||
      value === null ||
      Array.isArray(value) ||
      (value instanceof Uint8Array && value.length > 0),
  );
  const base = rightShape(schema, canary).map((value) => value as Record<string, unknown>);
  const { properties = {}, required = [] } = schema;
  const name = fc
    .constantFrom('extra', 'path', 'then', 'constructor', 'toJSON', 'canary')
    .filter((key) => !Object.hasOwn(properties, key));
  const extra = fc
    .tuple(base, name, hostileValue(canary))
    .map(([value, key, more]) => ({ ...value, [key]: more }));
  const missing = required.map((key) => base.map(({ [key]: _left, ...rest }) => rest));
  const typed = Object.entries(properties).flatMap(([key, part]) => {
    const allowed = typesOf(part);
    if (allowed === null) return [];
    const other = hostileValue(canary).filter((value) => !allowed.has(typeOf(value)));
    return [fc.tuple(base, other).map(([value, wrong]) => ({ ...value, [key]: wrong }))];
  });
  return fc.oneof(notAnObject, extra, ...missing, ...typed);
}

/** The types that a part of a schema may have, null where the schema cannot tell. */
function typesOf(schema: Schema): ReadonlySet<string> | null {
  const choices = schema.anyOf ?? schema.oneOf ?? [schema];
  const found = new Set<string>();
  for (const choice of choices) {
    const values = choice.const === undefined ? (choice.enum ?? []) : [choice.const];
    const types = choice.type === undefined ? values.map(typeOf) : [choice.type];
    if (types.length === 0) return null;
    // A part that may be left out may be undefined as well.
    for (const type of [...types, 'undefined']) found.add(type === 'integer' ? 'number' : type);
  }
  return found;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value !== 'object') return typeof value;
  return Object.getPrototypeOf(value) === Object.prototype ? 'object' : 'other';
}

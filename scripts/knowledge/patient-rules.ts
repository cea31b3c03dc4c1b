/**
 * Reads the rules about one drug and one patient (data/knowledge/patient-rules) and the conditions of labels, resolves
 * drug sets to explicit lists, and writes one table and one page. Applies no rule.
 */

import { join } from 'node:path';
import { z } from 'zod';
import { ALLERGY_CLASSES } from '../../src/knowledge/allergies.ts';
import type {
  LabelCondition,
  PatientRule,
  PatientRules,
  SupportByDrug,
} from '../../src/knowledge/patient-rules.ts';
import { asId, type DrugId } from '../../src/shared/ids.ts';
import type { DrugTables } from './drugs.ts';
import { DrugSets } from './rules.ts';
import { readJson, type TableWriter } from './tables.ts';

const severity = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]);
const words = z.string().min(5);
const age = z.int().min(0).max(120).nullable().default(null);

const RULE = {
  id: z.string().regex(/^[a-z0-9-]+$/),
  sets: z.array(z.string()).default([]),
  drugs: z.array(z.string()).default([]),
  except: z.array(z.string()).default([]),
  severity,
  effect: words,
  management: words,
  mechanism: words.nullable().default(null),
  citation: z.string().min(10),
};

const plain = z.strictObject(RULE);
const renal = z.strictObject({
  ...RULE,
  measure: z.enum(['egfr', 'clearance']),
  below: z.number().positive(),
  inclusive: z.boolean().default(false),
  whenTaken: severity.nullable().default(null),
});
const byAge = z.strictObject({
  ...RULE,
  minAge: age,
  maxAge: age,
  belowMonths: z.int().positive().max(24).nullable().default(null),
  whenMonthsUnknown: severity.nullable().default(null),
  condition: z.string().nullable().default(null),
});
const cross = z.strictObject({ ...RULE, allergyClass: z.enum(ALLERGY_CLASSES.map(({ title }) => title)) });

type Written = z.infer<typeof plain>;
type Resolved<Rule> = Omit<Rule, 'sets' | 'drugs' | 'except'> & {
  readonly id: string;
  readonly drugs: readonly DrugId[];
  readonly version: string;
  readonly support: SupportByDrug;
};

const conditionsSchema = z.strictObject({
  about: z.string(),
  version: z.string(),
  conditions: z.array(
    z.strictObject({
      id: z.string().regex(/^[a-z0-9-]+$/),
      title: z.string(),
      icd9: z.array(z.string()),
      icd10: z.array(z.string()),
      chronic: z.array(z.string()).default([]),
      phrases: z.array(z.string().refine((text) => new RegExp(text).source !== '')).min(1),
      accepts: z.array(z.string()).default([]),
      notAfterWords: z.array(z.string()).default([]),
    }),
  ),
});

/** Everything of data/knowledge/patient-rules and conditions.json, held against no text yet. @throws Error naming the file and what is wrong in it */
export function readPatientRules(directory: string, tables: DrugTables): PatientRules {
  const sets = new DrugSets(directory, tables);
  const { conditions } = conditionsSchema.parse(readJson(directory, 'conditions.json'));
  const known = new Set(conditions.map(({ id }) => id));

  function read<Rule extends Written>(kind: string, schema: z.ZodType<Rule>): Resolved<Rule>[] {
    const file = z.strictObject({ about: z.string(), version: z.string(), rules: z.array(schema) });
    const parsed = file.parse(readJson(join(directory, 'patient-rules'), `${kind}.json`));
    const seen = new Set<string>();
    return parsed.rules.map(({ sets: named, drugs, except, ...rest }) => {
      const where = `${kind}.json, ${rest.id}`;
      if (seen.has(rest.id)) throw new Error(`${where}: the id is used twice`);
      seen.add(rest.id);
      const ids = sets.resolve({ sets: named, drugs, except }, where).map((id) => asId<DrugId>(id));
      return { ...rest, id: `${kind}:${rest.id}`, drugs: ids, version: parsed.version, support: {} };
    });
  }

  const rules: PatientRules = {
    renal: read('renal', renal),
    age: read('age', byAge),
    pregnancy: read('pregnancy', plain),
    lactation: read('lactation', plain),
    crossReactivity: read('cross-reactivity', cross),
    conditions: conditions satisfies readonly LabelCondition[],
    allergyClasses: {},
  };
  for (const { id, condition, maxAge: last, belowMonths: months, whenMonthsUnknown } of rules.age) {
    if (
      (months === null) !== (whenMonthsUnknown === null) ||
      (months !== null && last !== Math.ceil(months / 12) - 1)
    )
      throw new Error(`${id}: months need the years that hold them, and a severity where they are unknown`);
    if (condition !== null && !known.has(condition)) throw new Error(`${id}: no condition "${condition}"`);
  }
  return rules;
}

export function writePatientRules(rules: PatientRules, writer: TableWriter): void {
  const { allergyClasses: _, ...lists } = rules;
  const rows = Object.values(lists).reduce((sum, list) => sum + list.length, 0);
  writer.json('patient-rules.json', rules, rows, ['flame', 'fda-label']);
}

const LEVELS = {
  4: 'contraindicated',
  3: 'avoid',
  2: 'monitor or adjust',
  1: 'be aware',
} as const;

/** The page docs/references/patient-rules.md, for a pharmacist to read and correct. */
export function patientRulesDocument(rules: PatientRules): string {
  const section = <Rule extends PatientRule>(
    title: string,
    list: readonly Rule[],
    when: (rule: Rule) => string,
  ): string[] => [
    '',
    `## ${title}`,
    '',
    '| rule | when | level | drugs | what may happen | what to do | cited |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...list.map((rule) => {
      const { id, severity: level, drugs, effect, management, citation } = rule;
      const cells = [`\`${id}\``, when(rule), `${level} ${LEVELS[level]}`, drugs.join(', '), effect];
      return `| ${[...cells, management, citation].join(' | ')} |`;
    }),
  ];
  return (
    [
      '# Patient rules',
      '',
      'Made by `npm run compile:knowledge` from `data/knowledge/patient-rules` and `data/knowledge/conditions.json`; do not edit',
      'here. What a drug asks of one patient, in our words, with the label section or guideline that says so. **No pharmacist has',
      'reviewed these rules.** How they are applied: checks.md.',
      ...section('Kidney function', rules.renal, ({ measure, below, inclusive, whenTaken }) => {
        const what = measure === 'egfr' ? 'eGFR' : 'creatinine clearance';
        const taken = whenTaken === null ? '' : `; ${whenTaken} when taken already`;
        return `${what} ${inclusive ? 'at most' : 'below'} ${below}${taken}`;
      }),
      ...section('Age', rules.age, ({ minAge, maxAge, belowMonths, whenMonthsUnknown, condition }) => {
        const years =
          belowMonths === null
            ? `${minAge ?? 0} to ${maxAge ?? '…'} years`
            : `below ${belowMonths} months; ${whenMonthsUnknown} in the first ${maxAge === 0 ? 'year' : 'years'} where the months are unknown`;
        return condition === null ? years : `${years}, with ${condition}`;
      }),
      ...section('Pregnancy', rules.pregnancy, () => 'pregnant'),
      ...section('Lactation', rules.lactation, () => 'breastfeeding'),
      ...section(
        'Cross-reacting allergies',
        rules.crossReactivity,
        ({ allergyClass }) => `allergy to ${allergyClass}`,
      ),
      '',
      '## Conditions that labels name',
      '',
      '| condition | ICD-9-CM | ICD-10-CM | chronic flag | phrases |',
      '| --- | --- | --- | --- | --- |',
      ...rules.conditions.map(({ title, icd9, icd10, chronic, phrases }) => {
        const cells = [icd9, icd10, chronic].map((list) => list.join(', '));
        return `| ${title} | ${cells.join(' | ')} | ${phrases.map((text) => `\`${text.replaceAll('|', '\\|')}\``).join(', ')} |`;
      }),
    ].join('\n') + '\n'
  );
}

/**
 * The prompts of FLAME on text (METHOD section 2): one visit as lines, a drug-level question with the candidate last, and
 * the two list-level generations. Placeholders stand where structured embeddings are put in. Knows no tokens.
 */
import { z } from 'zod';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { ClinicalContext } from '../../shared/domain.ts';
import type { DrugId } from '../../shared/ids.ts';
import flameText1 from './prompts/flame-text-1.json' with { type: 'json' };

/** What a placeholder stands for: one of the three vectors of a visit, or a drug by its place in the formulary. */
export type Placeholder = 'patient' | 'diagnoses' | 'procedures' | { readonly drug: number };
export type PromptPart = string | { readonly placeholder: Placeholder };

const templatesSchema = z.object({
  version: z.string(),
  context: z.array(z.string()),
  history: z.array(z.string()),
  note: z.array(z.string()),
  question: z.string(),
  candidate: z.string(),
  yes: z.string(),
  no: z.string(),
  list: z.array(z.string()),
  listed: z.string(),
  add: z.string(),
  remove: z.string(),
  nothing: z.string(),
});
export type PromptTemplates = z.infer<typeof templatesSchema>;

/** Every version that was ever shipped: a model is prompted with the version that it was trained with. */
export const PROMPT_VERSIONS: ReadonlyMap<string, PromptTemplates> = new Map(
  [flameText1].map((file) => {
    const templates = templatesSchema.parse(file);
    return [templates.version, templates];
  }),
);
export const CURRENT_PROMPTS = 'flame-text-1';

export interface ReadOptions {
  /** Without: nothing is said of what the patient takes or took. */
  readonly history: boolean;
  /** What is read of the visit's note; white space counts as `plainNote` has it, and NOTE_LIMIT characters at most. */
  readonly note?: string;
}

/** Characters of a note that are read at most. */
export const NOTE_LIMIT = 2000;
/** Titles end in these where the tables cut them off. */
const CUT = /\s*\.\.\.$/;
const PLACEHOLDERS: Readonly<Record<string, Placeholder>> = {
  '[PatEmb]': 'patient',
  '[DiasEmb]': 'diagnoses',
  '[ProEmb]': 'procedures',
};
const PROCEDURE_PCS_LENGTH = 7;

export class Prompts {
  readonly templates: PromptTemplates;
  /** Names of the formulary's drugs as they are written, in its order. */
  readonly names: readonly string[];
  private readonly knowledge: Pick<Knowledge, 'codes' | 'drugs'>;

  /** @throws RangeError for a version that was never shipped */
  constructor(version: string, formulary: readonly DrugId[], knowledge: Pick<Knowledge, 'codes' | 'drugs'>) {
    const templates = PROMPT_VERSIONS.get(version);
    if (!templates) throw new RangeError(`no prompts are called ${version}`);
    this.templates = templates;
    this.names = formulary.map((drug) => String(drug));
    this.knowledge = knowledge;
  }

  /** What all questions about a visit share: its lines and the question. A line with nothing to say is left out. */
  context(context: ClinicalContext, { history, note }: ReadOptions): PromptPart[] {
    const { templates } = this;
    const fields = { ...this.fields(context), note: plainNote(note ?? '').slice(0, NOTE_LIMIT) };
    const lines = [...templates.context, ...(history ? templates.history : []), ...templates.note];
    return [...lines.flatMap((line) => filled(line, fields)), `${templates.question}\n`];
  }

  /** The drug-level question, candidate last; the answer is what comes next. */
  candidate(drug: number): PromptPart[] {
    return parts(this.templates.candidate.replace('{drug}', this.names[drug]!), drug);
  }

  /** Asks for the drugs to add to a list, or to remove from it, a line each, at a slider position. */
  list(kind: 'add' | 'remove', list: readonly number[], alpha: number): PromptPart[] {
    const { templates } = this;
    const [safety, before] = templates.list as [string, string];
    const [head, tail = ''] = before.split('{list}') as [string, string?];
    return [
      `${safety.replace('{safety}', String(Math.round(alpha * 10)))}\n${head}`,
      ...(list.length === 0
        ? [templates.nothing]
        : list.flatMap((drug, i) => [
            ...(i === 0 ? [] : [', ']),
            ...parts(templates.listed.replace('{drug}', this.names[drug]!), drug),
          ])),
      `${tail}\n${templates[kind]}\n`,
    ];
  }

  /** One step of a generated list. */
  step(drug: number): string {
    return `${this.names[drug]!}\n`;
  }

  /** What ends a generated list: an empty line. */
  get stop(): string {
    return '\n';
  }

  private fields(context: ClinicalContext): Record<string, string> {
    const { codes, drugs } = this.knowledge;
    const sex = { F: 'woman', M: 'man', unknown: 'sex unknown' }[context.sex];
    const titled = (titles: readonly (string | null)[]): string =>
      titles.flatMap((title) => (title === null ? [] : [title.toLowerCase().replace(CUT, '')])).join('; ');
    const named = (list: readonly DrugId[]): string => list.map((drug) => drugs.name(drug).name).join(', ');
    const specialty =
      context.specialty === null ? null : codes.title('NAMCS-SPECIALTY', context.specialty)?.toLowerCase();
    return {
      sex,
      age: Number.isFinite(context.age) ? `${Math.round(context.age)} years` : 'age unknown',
      specialty: specialty ?? 'no specialty',
      setting: context.setting === 'office' || context.setting === 'unknown' ? '' : context.setting,
      reasons: titled(context.reasons.map((code) => codes.title('NAMCS-REASON', code))),
      diagnoses: titled(context.diagnoses.map(({ system, code }) => codes.title(system, code))),
      chronic: titled(context.chronic.map((flag) => codes.title('NAMCS-CHRONIC', flag))),
      procedures: titled(
        context.procedures.map((code) =>
          codes.title(code.length === PROCEDURE_PCS_LENGTH ? 'ICD-10-PCS' : 'ICD-9-PROC', code),
        ),
      ),
      current: named(context.currentMedications),
      previous: named(context.previousMedications),
    };
  }
}

/** A prompt as a text trainer elsewhere reads it: nothing stands where embeddings are put in here. */
export function promptText(prompt: readonly PromptPart[]): string {
  return prompt.filter((part) => typeof part === 'string').join('');
}

/** A note as one line, so that nothing in it begins a line of its own. */
export function plainNote(note: string): string {
  return note.replace(/\s+/g, ' ').trim();
}

/** A line with its fields filled in; nothing when one of them has nothing to say. */
function filled(line: string, fields: Readonly<Record<string, string>>): PromptPart[] {
  const names = [...line.matchAll(FIELD)].map(([, name]) => name!);
  if (names.some((name) => !fields[name])) return [];
  return parts(`${line}\n`).map((part) =>
    typeof part === 'string' ? part.replace(FIELD, (_, name: string) => fields[name]!) : part,
  );
}
const FIELD = /\{(\w+)\}/g;

/** Text and placeholders of a template, before it is filled in: what a visit says is never a placeholder. */
function parts(template: string, drug?: number): PromptPart[] {
  return template
    .split(/(\[(?:PatEmb|DiasEmb|ProEmb|DrugEmb)\] ?)/)
    .filter((piece) => piece !== '')
    .map((piece) => {
      const placeholder =
        drug !== undefined && piece.startsWith('[DrugEmb]') ? { drug } : PLACEHOLDERS[piece.trimEnd()];
      return placeholder ? { placeholder } : piece;
    });
}

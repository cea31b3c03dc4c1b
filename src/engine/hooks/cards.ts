/**
 * CDS Hooks 1.0 answers: what Flame would propose for the patient of a question, and what speaks against drugs that are
 * being ordered. Opens no socket and stores nothing.
 */

import { randomUUID } from 'node:crypto';
import type { Checker } from '../../checks/checker.ts';
import { factsOf } from '../../checks/facts.ts';
import type { DrugReader } from '../../knowledge/drug-reader.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import { medication } from '../../records/fhir-export/terms.ts';
import { drugIn } from '../../records/sources/fhir/facts.ts';
import { readPrefetch, resourcesIn } from '../../records/sources/fhir/prefetch.ts';
import { readResource } from '../../records/sources/fhir/resources.ts';
import { interpretVisit, parseVisitRecord, type VisitContent } from '../../records/visit-record.ts';
import { OVERRIDE_REASONS, type OverrideReason } from '../../shared/decision.ts';
import { NOT_RECORDED, OVERRIDE_SEVERITY, type EarlierVisit, type Severity } from '../../shared/domain.ts';
import type { Finding, FoundFinding } from '../../shared/findings.ts';
import { asId, type DrugId, type VisitId } from '../../shared/ids.ts';
import { probabilityOf, selectGridPoint, type Recommendation } from '../../shared/recommendation.ts';
import type { Recommender } from '../decisions/recommend.ts';
import type { NamedPatient } from '../store/earlier-visits.ts';
import type { Card, HookRequest, Suggestion } from './protocol.ts';

export interface HookParts {
  readonly knowledge: Knowledge;
  readonly checker: Checker;
  readonly recommender: Recommender;
  readonly drugs: DrugReader;
  readonly conditionCodes: (snomed: string) => readonly string[] | null;
  /** What the store knows of the patient's visits before this day; empty for a patient whom it does not know. */
  readonly earlierVisits: (patient: NamedPatient, date: string) => readonly EarlierVisit[];
}

export interface HookAnswer {
  readonly cards: readonly Card[];
  /** Visits of the patient in the store that were given to the model. */
  readonly earlierVisits: number;
  readonly knowledgeVersion: string;
}

const SUMMARY = 140;
const MOST_CARDS = 10;
const LONG_DETAIL = 4000;
const INDICATOR: Readonly<Record<Severity, Card['indicator']>> = {
  4: 'critical',
  3: 'warning',
  2: 'info',
  1: 'info',
};
const LEVEL: Readonly<Record<Severity, string>> = {
  4: 'Contraindicated',
  3: 'Avoid the combination',
  2: 'Monitor or adjust',
  1: 'Be aware',
};
const REASON_WORDS: Readonly<Record<OverrideReason, string>> = {
  'will-monitor': 'Will monitor',
  'dose-adjusted': 'Dose adjusted',
  'tolerated-before': 'Tolerated before',
  'benefit-outweighs-risk': 'Benefit outweighs the risk',
  'information-wrong': 'The information is wrong for this patient',
  other: 'Other reason',
};

/** @returns null when the prefetch holds no patient that can be read: the caller is told 412 */
export async function answerHook(
  request: HookRequest,
  parts: HookParts,
  now: Date = new Date(),
): Promise<HookAnswer | null> {
  const { knowledge, checker, drugs, conditionCodes } = parts;
  const sent = resourcesIn(request.prefetch ?? {});
  const { visit, problems } = readPrefetch(sent, { drugs, conditionCodes, now: now.toISOString() });
  const parsed = visit === null ? null : parseVisitRecord(visit.record);
  if (visit === null || parsed?.ok !== true) return null;
  const content = interpretVisit(parsed.record, (name) => knowledge.drugs.find(name));
  const facts = factsOf({ ...NOT_RECORDED, ...content });
  const drafts = request.hook === 'order-select' ? draftsOf(request, parts) : { drugs: [], unknown: [] };
  const earlier = request.hook === 'patient-view' ? earlierOf(request, content, parts) : [];
  const { findings } = checker.check(facts, drafts.drugs);
  const name = (drug: DrugId): string => knowledge.drugs.name(drug).name;
  const found = findings.filter((finding) => finding.state === 'found');
  const cards =
    request.hook === 'patient-view'
      ? [
          ...(await proposalCards(request, content, earlier, parts)),
          ...found
            .filter(({ severity }) => severity >= OVERRIDE_SEVERITY)
            .map((finding) => findingCard(finding, name, knowledge)),
        ]
      : [
          ...found
            .filter((one) => one.drugs.some((drug) => drafts.drugs.includes(drug)))
            .map((finding) => findingCard(finding, name, knowledge)),
          ...unknownCards(findings, drafts, name, knowledge),
        ];
  const unread = [
    ...problems,
    ...content.unmapped.map((entry) => `medication “${entry}” is known to no table`),
  ];
  return {
    knowledgeVersion: knowledge.version,
    earlierVisits: earlier.length,
    cards: [
      ...limited(cards, knowledge),
      ...(unread.length === 0
        ? []
        : [
            card(
              'info',
              `Flame could not use ${unread.length} of what was sent: not checked`,
              knowledge,
              unread.join('\n\n'),
            ),
          ]),
    ],
  };
}

/** The importer stores a FHIR patient under this identifier. */
function earlierOf(
  { context: { patientId } }: HookRequest,
  { context: { sex, year, age }, date }: VisitContent,
  { earlierVisits }: HookParts,
): readonly EarlierVisit[] {
  return earlierVisits({ sourceId: `fhir-${patientId}`, sex, birthYear: year - age }, date);
}

async function proposalCards(
  { context }: HookRequest,
  content: VisitContent,
  earlierVisits: readonly EarlierVisit[],
  { recommender, knowledge }: HookParts,
): Promise<Card[]> {
  const reply = await recommender.recommend({
    ...NOT_RECORDED,
    ...content,
    context: { ...content.context, earlierVisits },
    id: asId<VisitId>('cds-hooks'),
  });
  const { list } = selectGridPoint(reply.grid, 0);
  const name = (drug: DrugId): string => knowledge.drugs.name(drug).name;
  if (list.length === 0) return [card('info', 'Flame proposes no medication for this patient', knowledge)];
  const lines = list.map(
    (drug) => `- ${name(drug)}, ${Math.round((probabilityOf(reply, drug) ?? 0) * 100)} %`,
  );
  const notes = [
    'Proposed by a model that learnt from office visits; the percentage is how often clinicians prescribe the drug at such visits.',
    ...(reply.warnings.length === 0
      ? []
      : [`Read with reserve: ${reply.warnings.map(({ kind }) => kind).join(', ')}.`]),
    ...(reply.notCovered.length === 0
      ? []
      : [`Not checked for interactions: ${reply.notCovered.map(name).join(', ')}.`]),
    ...(earlierVisits.length === 0
      ? []
      : [
          `Flame stores ${earlierVisits.length} earlier visit${earlierVisits.length === 1 ? '' : 's'} of this patient with medications; a model trained on this site’s visits looks back on them.`,
        ]),
    `Model ${reply.model.name} ${reply.model.version}, tables ${reply.knowledgeVersion}.`,
  ];
  const safe = list.filter((drug) => !isWarnedOf(drug, list, reply));
  return [
    {
      ...card(
        'info',
        `Flame proposes ${list.map(name).join(', ')}`,
        knowledge,
        [lines.join('\n'), ...notes].join('\n\n'),
      ),
      ...(safe.length === 0
        ? {}
        : {
            selectionBehavior: 'any' as const,
            suggestions: safe.map((drug) => suggestion(drug, context.patientId, knowledge)),
          }),
    },
  ];
}

/** A drug in a pair that needs a reason is shown, but not offered at a click. */
function isWarnedOf(
  drug: DrugId,
  list: readonly DrugId[],
  { interactions, currentMedications }: Recommendation,
): boolean {
  const others = new Set([...list, ...currentMedications.map(({ id }) => id)]);
  return interactions.some(
    ({ a, b, severity }) =>
      severity >= OVERRIDE_SEVERITY && (a === drug || b === drug) && others.has(a) && others.has(b),
  );
}

function suggestion(drug: DrugId, patientId: string, knowledge: Knowledge): Suggestion {
  const { name } = knowledge.drugs.name(drug);
  const names = {
    title: () => null,
    drug: (id: DrugId) => ({ name, rxcui: knowledge.drugs.get(id)?.rxcui ?? [] }),
    allergens: () => [],
  };
  return {
    label: `Consider ${name}`.slice(0, SUMMARY),
    uuid: randomUUID(),
    actions: [
      {
        type: 'create',
        description: `Draft a proposal of ${name}; dose and use are for the physician to state`,
        resource: {
          resourceType: 'MedicationRequest',
          status: 'draft',
          intent: 'proposal',
          medicationCodeableConcept: medication(drug, names),
          subject: { reference: `Patient/${patientId}` },
        },
      },
    ],
  };
}

interface Drafts {
  readonly drugs: readonly DrugId[];
  /** Names that no table knows. */
  readonly unknown: readonly string[];
}

function draftsOf({ context }: HookRequest, { drugs }: HookParts): Drafts {
  const ids = new Set<DrugId>();
  const unknown = new Set<string>();
  for (const { resource } of context.draftOrders?.entry ?? []) {
    const { resourceType } = (resource ?? {}) as { resourceType?: unknown };
    if (resourceType !== 'MedicationRequest') continue;
    const read = readResource('MedicationRequest', resource as object);
    const concept = read.ok ? read.resource.medicationCodeableConcept : undefined;
    const drug = concept && drugIn(concept);
    if (!drug || 'ref' in drug) {
      unknown.add('an order whose medication could not be read');
      continue;
    }
    const reading = drugs.read(drug);
    if (reading.kind === 'drug') for (const id of reading.drugs) ids.add(id);
    else unknown.add(drug.name === '' ? 'an order with an unknown code' : drug.name);
  }
  return { drugs: [...ids], unknown: [...unknown] };
}

function findingCard(finding: FoundFinding, name: (drug: DrugId) => string, knowledge: Knowledge): Card {
  const { severity, drugs, because, effect, management, mechanism, sources } = finding;
  const told = [
    effect,
    ...(mechanism === null ? [] : [`Why: ${mechanism}`]),
    ...(management === '' ? [] : [`What to do: ${management}`]),
    ...sources.map(
      ({ citation, reviewed }) => `Source: ${citation}${reviewed ? '' : ' (unreviewed label text)'}`,
    ),
  ].filter((part) => part !== '');
  return {
    ...card(
      INDICATOR[severity],
      `${LEVEL[severity]}: ${drugs.map(name).join(' + ')}${because === '' ? '' : `, ${because}`}`,
      knowledge,
      told.join('\n\n'),
    ),
    ...(severity >= OVERRIDE_SEVERITY ? { overrideReasons: overrideReasons() } : {}),
  };
}

function overrideReasons() {
  return OVERRIDE_REASONS.map((code) => ({
    code,
    system: 'https://flame.invalid/fhir/CodeSystem/override-reason',
    display: REASON_WORDS[code],
  }));
}

/** Unchecked never looks like safe. */
function unknownCards(
  findings: readonly Finding[],
  { drugs, unknown }: Drafts,
  name: (drug: DrugId) => string,
  knowledge: Knowledge,
): Card[] {
  const uncovered = findings
    .filter((one) => one.state === 'not-covered' && one.check === 'interactions')
    .flatMap((one) => one.drugs);
  const names = [...unknown, ...new Set(uncovered.filter((drug) => drugs.includes(drug)).map(name))];
  const failed = findings.filter((one) => one.state === 'failed').map(({ check }) => check);
  const missing = findings.flatMap((one) =>
    one.state === 'not-checked' ? [`${one.check}: ${one.missing}`] : [],
  );
  return [
    ...(names.length === 0
      ? []
      : [card('warning', `Not checked, which does not mean safe: ${names.join(', ')}`, knowledge)]),
    ...(failed.length === 0
      ? []
      : [card('warning', `Checks that broke off: ${failed.join(', ')}`, knowledge)]),
    ...(missing.length === 0
      ? []
      : [
          card(
            'info',
            'Some checks lack a fact about the patient',
            knowledge,
            [...new Set(missing)].join('\n'),
          ),
        ]),
  ];
}

/** The worst come first; what does not fit is at least counted. */
function limited(cards: readonly Card[], knowledge: Knowledge): Card[] {
  if (cards.length <= MOST_CARDS) return [...cards];
  const rest = cards.slice(MOST_CARDS - 1);
  const worst = rest.some(({ indicator }) => indicator === 'critical')
    ? 'critical'
    : rest.some(({ indicator }) => indicator === 'warning')
      ? 'warning'
      : 'info';
  return [
    ...cards.slice(0, MOST_CARDS - 1),
    card(
      worst,
      `${rest.length} more findings`,
      knowledge,
      rest.map(({ summary }) => `- ${summary}`).join('\n'),
    ),
  ];
}

function card(indicator: Card['indicator'], summary: string, { version }: Knowledge, detail = ''): Card {
  return {
    uuid: randomUUID(),
    indicator,
    summary: summary.length <= SUMMARY ? summary : `${summary.slice(0, SUMMARY - 1)}…`,
    source: { label: `Flame, tables ${version}` },
    ...(detail === '' ? {} : { detail: detail.slice(0, LONG_DETAIL) }),
  };
}

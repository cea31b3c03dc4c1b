/** Exports that are no FHIR: all of a patient as JSON, visits in the visit format, visits and decided drugs as CSV. */

import type { Visit, VisitRecord } from '../shared/domain.ts';
import type { DrugId } from '../shared/ids.ts';
import type { ExportedPatient, ExportedVisit } from './exported.ts';
import { csvLine } from './csv.ts';
import type { ExportNames } from './fhir-export/terms.ts';

/** Everything that is stored of the patient, in Flame's own terms, on one line. */
export function patientLine({ patient, visits }: ExportedPatient): string {
  const told = visits.map(({ visit, decisions, proposal }) => ({
    ...visit,
    decisions: decisions.map(({ decision, replaced, audit }) => ({ ...decision, replaced, audit })),
    undecidedProposal: proposal,
  }));
  return `${JSON.stringify({ patient, visits: told })}\n`;
}

/** The visits in the visit format, which Flame and `flame import` read back. What the format cannot hold is left out. */
export function visitLines(exported: ExportedPatient): string[] {
  return exported.visits.map(({ visit }) => `${JSON.stringify(visitRecord(exported.patient, visit))}\n`);
}

/** Identifiers are those of the source where there is one, so that an import at the source's own Flame changes nothing. */
export function visitRecord(
  patient: ExportedPatient['patient'],
  visit: Visit,
): Omit<VisitRecord, 'drugs'> & {
  readonly drugs?: readonly string[];
} {
  const { context, measurements: m } = visit;
  const [first] = context.diagnoses;
  const system = first?.system ?? 'ICD-10-CM';
  const value = (name: string, number: number | null): Readonly<Record<string, number>> =>
    number === null ? {} : { [name]: number };
  return {
    visit: visit.sourceId ?? visit.id,
    patient: patient.sourceId ?? patient.id,
    name: patient.name,
    year: context.year,
    ...(visit.dateKnown ? { date: visit.date } : {}),
    age: context.age,
    ...value('age_months', visit.ageMonths),
    sex: context.sex,
    setting: context.setting,
    ...(context.specialty === null ? {} : { specialty: context.specialty }),
    reasons: context.reasons,
    dx_system: system,
    // A visit of the format has one system; codes of another one stay in the JSON and FHIR exports.
    dx: context.diagnoses.filter((one) => one.system === system).map(({ code }) => code),
    chronic: context.chronic,
    procedures: context.procedures,
    ...(visit.prescribed === null ? {} : { drugs: visit.prescribed }),
    ...(visit.unmapped.length === 0 ? {} : { unmapped: visit.unmapped }),
    current: context.currentMedications,
    previous: context.previousMedications,
    allergies: visit.allergies,
    pregnancy: visit.pregnancy,
    lactation: visit.lactation,
    ...value('creatinine', m.creatinine),
    ...value('weight', m.weight),
    ...value('height', m.height),
    ...value('systolic', m.systolic),
    ...value('diastolic', m.diastolic),
    ...value('heart_rate', m.heartRate),
    ...value('temperature', m.temperature),
    ...(visit.notes === '' ? {} : { notes: visit.notes }),
  };
}

const VISIT_COLUMNS = [
  'visit',
  'patient',
  'patient name',
  'date',
  'date known',
  'age',
  'sex',
  'setting',
  'specialty',
  'diagnoses',
  'chronic conditions',
  'reasons',
  'procedures',
  'allergies',
  'current medications',
  'previous medications',
  'recorded as prescribed',
  'entries without ingredient',
  'pregnancy',
  'lactation',
  'creatinine mg/dL',
  'weight kg',
  'height cm',
  'systolic mmHg',
  'diastolic mmHg',
  'heart rate per minute',
  'temperature C',
  'notes',
  'decided',
  'decided medications',
];

export const visitHeading = csvLine(VISIT_COLUMNS);

/** A row for each visit; lists are separated by semicolons, and the newest decision counts. */
export function visitRows({ patient, visits }: ExportedPatient, names: ExportNames): string[] {
  return visits.map(({ visit, decisions }) => {
    const { context, measurements: m } = visit;
    const newest = decisions[0]?.decision;
    const drugs = (list: readonly DrugId[] | null): string =>
      joined((list ?? []).map((id) => names.drug(id).name));
    const titled = (code: string, title: string | null): string =>
      title === null ? code : `${code} ${title}`;
    return csvLine([
      visit.id,
      patient.id,
      patient.name,
      visit.date,
      visit.dateKnown ? 'yes' : 'year only',
      context.age,
      context.sex,
      context.setting,
      context.specialty,
      joined(context.diagnoses.map(({ system, code }) => titled(code, names.title(system, code)))),
      joined(context.chronic.map((code) => titled(code, names.title('NAMCS-CHRONIC', code)))),
      joined(context.reasons.map((code) => titled(code, names.title('NAMCS-REASON', code)))),
      joined(context.procedures),
      joined(visit.allergies),
      drugs(context.currentMedications),
      drugs(context.previousMedications),
      drugs(visit.prescribed),
      joined(visit.unmapped),
      visit.pregnancy,
      visit.lactation,
      m.creatinine,
      m.weight,
      m.height,
      m.systolic,
      m.diastolic,
      m.heartRate,
      m.temperature,
      visit.notes,
      newest?.savedAt ?? null,
      newest === undefined ? '' : joined(newest.final.map(({ name }) => name)),
    ]);
  });
}

export const decisionHeading = csvLine([
  'decision',
  'version',
  'replaced',
  'saved',
  'visit',
  'patient',
  'patient name',
  'signed by',
  'role',
  'model',
  'tables',
  'slider position',
  'drug',
  'word',
  'dose',
  'route',
  'frequency',
  'instructions',
  'reject reason',
  'note',
  'severest interaction on the list',
  'override reason',
]);

/** A row for each drug of each decision, the rejected ones included. */
export function decisionRows({ patient, visits }: ExportedPatient): string[] {
  return visits.flatMap(({ visit, decisions }) => decisions.flatMap((one) => rowsOf(patient, visit.id, one)));
}

function rowsOf(
  patient: ExportedPatient['patient'],
  visit: string,
  { decision, replaced }: ExportedVisit['decisions'][number],
): string[] {
  const { id, version, savedAt, signature, model, knowledgeVersion, alpha } = decision;
  const head = [
    id,
    version,
    replaced ? 'yes' : 'no',
    savedAt,
    visit,
    patient.id,
    patient.name,
    signature?.name ?? '',
    signature?.role ?? '',
    `${model.name} ${model.version}`,
    knowledgeVersion,
    alpha,
  ];
  const names = new Map(decision.final.map((drug) => [drug.id, drug.name]));
  const chosen = decision.chosen.map(({ drug, verdict, use }) => {
    const pairs = decision.interactions.filter(({ a, b }) => a === drug || b === drug);
    const reasons = decision.overrides
      .filter(({ a, b }) => a === drug || b === drug)
      .map(({ reason }) => reason);
    return csvLine([
      ...head,
      names.get(drug) ?? drug,
      verdict,
      use.dose,
      use.route,
      use.frequency,
      use.instructions,
      '',
      '',
      pairs.length === 0 ? null : Math.max(...pairs.map(({ severity }) => severity)),
      joined([...new Set(reasons)]),
    ]);
  });
  const rejected = decision.rejected.map(({ name, reason, note }) =>
    csvLine([...head, name, 'rejected', '', '', '', '', reason, note, null, '']),
  );
  return [...chosen, ...rejected];
}

function joined(items: readonly string[]): string {
  return items.map((item) => item.replaceAll(';', ',')).join('; ');
}

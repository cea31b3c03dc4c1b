/**
 * Reads the visits that a training may learn from, with what was decided there, split by patient and time. Trains nothing,
 * and writes nothing.
 */

import { dataReport } from '../../flame/local/data-report.ts';
import { type DatedVisit, splitVisits } from '../../flame/local/split-visits.ts';
import type { ModelPack } from '../../flame/model-pack.ts';
import { respelled } from '../../flame/site/patient-history.ts';
import type { Knowledge } from '../../knowledge/knowledge.ts';
import type { DataReport, FinetuneSelection, FinetuneSettings } from '../../shared/finetune.ts';
import { asId, type DrugId, type VisitId } from '../../shared/ids.ts';
import type { TrainingVisits } from '../../shared/trainer-process.ts';
import { withEarlierVisits } from '../store/earlier-visits.ts';
import type { ReadableDb } from '../store/handle.ts';
import { DrugNames } from '../store/json-columns.ts';
import { findVisit } from '../store/visits.ts';

/** The newest visits are taken; more would not fit the memory of a workstation. */
export const MOST_VISITS = 20_000;
/** One visit in this many lets waiting calls through while a large site is read. */
const YIELD_EVERY = 200;

export interface SelectedVisits {
  readonly visits: TrainingVisits;
  readonly report: DataReport;
}

interface Row {
  readonly id: string;
  readonly patient: string;
  readonly prescribed_known: number;
  readonly final: string | null;
}

export async function selectVisits(
  db: ReadableDb,
  selection: FinetuneSelection,
  settings: FinetuneSettings,
  parts: { readonly base: ModelPack; readonly knowledge: Knowledge },
): Promise<SelectedVisits> {
  const { base, knowledge } = parts;
  // A pack may spell a drug otherwise than the tables do; both mean one drug.
  const spelling = new Map(base.vocabulary.formulary.map((drug) => [knowledge.drugs.canonical(drug), drug]));
  const spelled = (drug: DrugId): DrugId => {
    const canonical = knowledge.drugs.canonical(drug);
    return spelling.get(canonical) ?? canonical;
  };
  const leftOut = { noDrugs: 0, noProblem: 0 };
  const found: DatedVisit[] = [];
  for (const [at, row] of rowsOf(db, selection).entries()) {
    if (at % YIELD_EVERY === YIELD_EVERY - 1) await new Promise((resolve) => setImmediate(resolve));
    const visit = findVisit(db, asId<VisitId>(row.id));
    if (!visit) continue;
    const decided = row.final === null ? null : DrugNames.parse(JSON.parse(row.final)).map(({ id }) => id);
    const drugs = [...new Set((decided ?? visit.prescribed ?? []).map(spelled))];
    const { context } = withEarlierVisits(db, visit);
    if (drugs.length === 0) leftOut.noDrugs += 1;
    else if (context.diagnoses.length + context.chronic.length === 0) leftOut.noProblem += 1;
    else
      found.push({
        id: visit.id,
        patient: row.patient,
        date: visit.dateKnown ? visit.date : null,
        context: respelled(context, spelled),
        drugs,
      });
  }
  const split = splitVisits(found);
  return { visits: split, report: dataReport({ split, leftOut, base, knowledge, settings }) };
}

/**
 * Visits that say what was decided, newest first; a signed decision comes before what the record says. Patients by their
 * place in the database: folds are drawn by it, and the same import is to give the same model on another computer.
 */
function rowsOf(db: ReadableDb, { source, from, to, demo }: FinetuneSelection): Row[] {
  const recorded = source === 'signed' ? '0' : 'v.prescribed_known = 1';
  const signed =
    source === 'recorded'
      ? 'NULL'
      : `(SELECT d.final FROM decisions d
       WHERE d.visit = v.key AND d.signer_name IS NOT NULL ORDER BY d.key DESC LIMIT 1)`;
  return db.all<Row>(
    `SELECT * FROM (
       SELECT v.id, 'p' || p.key AS patient, v.prescribed_known, ${signed} AS final, ${recorded} AS recorded, v.key AS key
       FROM visits v JOIN patients p ON p.key = v.patient AND p.archived_at IS NULL
       WHERE v.demo = ? AND v.date >= ? AND v.date <= ?)
     WHERE final IS NOT NULL OR recorded = 1
     ORDER BY key DESC LIMIT ${MOST_VISITS}`,
    demo ? 1 : 0,
    from ?? '0000-01-01',
    to ?? '9999-12-31',
  );
}

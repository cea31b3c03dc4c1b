/** The word on each drug of a decision, on the list or rejected, as rows. Checks no clinical rule. */

import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { NO_USE, REJECT_REASONS, VERDICTS, type Decision } from '../../shared/decision.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import type { ReadableDb, WritableDb } from './handle.ts';

const Verdict = z.enum(VERDICTS);
const Reason = z.enum(REJECT_REASONS).nullable();

interface Row {
  readonly drug: string;
  readonly name: string;
  readonly verdict: string;
  readonly dose: string;
  readonly route: string;
  readonly frequency: string;
  readonly instructions: string;
  readonly reason: string | null;
  readonly note: string;
}

type Listed = Pick<Decision, 'final' | 'chosen' | 'rejected'>;

/** Call it inside the transaction that stores the decision. */
export function insertDecisionDrugs(db: WritableDb, decisionKey: number, decision: Listed): void {
  for (const [position, row] of rowsOf(decision).entries()) {
    const { drug, name, verdict, dose, route, frequency, instructions, reason, note } = row;
    db.run(
      `INSERT INTO decision_drugs
         (decision, position, drug, name, verdict, dose, route, frequency, instructions, reason, note)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[decisionKey, position, drug, name, verdict],
      ...[dose, route, frequency, instructions, reason, note],
    );
  }
}

/** Whether the stored rows hold what the decision says of its drugs, in every column: what is not read back included. */
export function decisionDrugsAgree(db: ReadableDb, decisionKey: number, decision: Listed): boolean {
  const stored = db.all<Row>(
    `SELECT drug, name, verdict, dose, route, frequency, instructions, reason, note
     FROM decision_drugs WHERE decision = ? ORDER BY position`,
    decisionKey,
  );
  return isDeepStrictEqual(stored, rowsOf(decision));
}

function rowsOf({ final, chosen, rejected }: Listed): Row[] {
  const names = new Map(final.map(({ id, name }) => [id, name]));
  return [
    ...chosen.map(({ drug, verdict, use }) => ({
      drug,
      name: names.get(drug) ?? drug,
      verdict,
      ...use,
      reason: null,
      note: '',
    })),
    ...rejected.map(({ drug, name, reason, note }) => ({
      drug,
      name,
      verdict: 'rejected',
      ...NO_USE,
      reason,
      note,
    })),
  ];
}

export function decisionDrugs(db: ReadableDb, decisionKey: number): Pick<Decision, 'chosen' | 'rejected'> {
  const rows = db.all<Row>('SELECT * FROM decision_drugs WHERE decision = ? ORDER BY position', decisionKey);
  return {
    chosen: rows
      .filter(({ verdict }) => verdict !== 'rejected')
      .map(({ drug, verdict, dose, route, frequency, instructions }) => ({
        drug: asId<DrugId>(drug),
        verdict: Verdict.parse(verdict),
        use: { dose, route, frequency, instructions },
      })),
    rejected: rows
      .filter(({ verdict }) => verdict === 'rejected')
      .map(({ drug, name, reason, note }) => ({
        drug: asId<DrugId>(drug),
        name,
        reason: Reason.parse(reason),
        note,
      })),
  };
}

/** The word on each drug of a decision, on the list or rejected, as rows. Checks no clinical rule. */

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

/** Call it inside the transaction that stores the decision. */
export function insertDecisionDrugs(
  db: WritableDb,
  decisionKey: number,
  { final, chosen, rejected }: Pick<Decision, 'final' | 'chosen' | 'rejected'>,
): void {
  const names = new Map(final.map(({ id, name }) => [id, name]));
  const insert = (position: number, { drug, name, verdict, reason, note, ...use }: Row): void => {
    db.run(
      `INSERT INTO decision_drugs
         (decision, position, drug, name, verdict, dose, route, frequency, instructions, reason, note)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[decisionKey, position, drug, name, verdict],
      ...[use.dose, use.route, use.frequency, use.instructions, reason, note],
    );
  };
  for (const [position, { drug, verdict, use }] of chosen.entries())
    insert(position, { drug, name: names.get(drug) ?? drug, verdict, ...use, reason: null, note: '' });
  for (const [index, { drug, name, reason, note }] of rejected.entries())
    insert(chosen.length + index, { drug, name, verdict: 'rejected', ...NO_USE, reason, note });
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

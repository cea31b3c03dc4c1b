/**
 * What names an Encounter of Flame's own export → the visit as it was exported. Adds nothing from other encounters; what
 * the visit format cannot hold is told to the log.
 */

import type { ImportLog } from '../../import-log.ts';
import { bounded } from '../codes.ts';
import type { CountedMention, Fact, SourceVisit } from '../source.ts';
import type { AllergyFact, ConditionFact, DrugFact, ProcedureFact } from './facts.ts';
import type { OwnEncounter } from './own.ts';

type Recorded = Pick<
  SourceVisit,
  'reasons' | 'dx_system' | 'dx' | 'chronic' | 'procedures' | 'allergies' | 'current' | 'drugs' | 'notes'
> &
  Partial<SourceVisit>;

/** @param facts of the encounter and its allergies, in the order of the file */
export function wholeRecord(
  own: OwnEncounter,
  facts: readonly Fact[],
  mentions: (drugs: readonly DrugFact[]) => CountedMention[],
  log: ImportLog,
): Recorded {
  const { age: _age, visit: _visit, allergies: _named, ageMonths, setting, lactation, specialty } = own;
  const conditions = of<ConditionFact>(facts, 'Condition').map(([, , codes]) => codes);
  const tens = conditions.flatMap(({ ten }) => ten);
  const nines = conditions.flatMap(({ nine }) => nine);
  const system = tens.length > 0 || nines.length === 0 ? 'ICD-10-CM' : 'ICD-9-CM';
  if (tens.length > 0 && nines.length > 0)
    log.leaveOut('ICD-9-CM code beside ICD-10-CM codes of the same visit', nines.length);
  const requests = of<DrugFact>(facts, 'Request');
  const statements = of<DrugFact>(facts, 'Statement');
  const taken = statements.filter(([, , , , , active]) => active);
  const allergies = of<AllergyFact>(facts, 'Allergy').map(([, words]) => words);
  return {
    ...(ageMonths === null ? {} : { age_months: ageMonths }),
    ...(setting === null ? {} : { setting }),
    ...(lactation === null ? {} : { lactation }),
    ...(specialty === null ? {} : { specialty }),
    reasons: own.reasons,
    dx_system: system,
    dx: bounded(tens.length > 0 ? tens : nines, log, 'diagnoses'),
    chronic: bounded(
      conditions.flatMap(({ chronic = [] }) => chronic),
      log,
      'chronic conditions',
    ),
    procedures: bounded(
      of<ProcedureFact>(facts, 'Procedure').flatMap(([, , codes]) => codes),
      log,
      'procedures',
    ),
    allergies: bounded(allergies, log, 'allergies'),
    // An open visit has no prescription yet: its requests are entries without an ingredient.
    current: mentions(own.open ? [...taken, ...requests] : taken),
    previous: mentions(statements.filter(([, , , , , active]) => !active)),
    drugs: own.open ? null : mentions(requests),
    notes: own.notes,
  };
}

function of<Kind extends Fact>(facts: readonly Fact[], kind: Kind[0]): Kind[] {
  return facts.filter((fact) => fact[0] === kind) as Kind[];
}

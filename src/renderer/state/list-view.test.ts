import { describe, expect, it } from 'vitest';
import { asId, type DrugId } from '../../shared/ids.ts';
import { RECOMMENDATION } from '../testing/fixtures.ts';
import { hardRules } from './list-view.ts';

const drug = (name: string): DrugId => asId<DrugId>(name);

describe('hard rules against a drug that the physician adds', () => {
  const reply = { ...RECOMMENDATION, allergens: [{ drug: drug('dicloxacillin'), allergy: 'penicillin' }] };

  it('tell of an allergy and of a drug taken already, candidate or not', () => {
    expect(hardRules(reply, drug('dicloxacillin'))).toEqual([{ kind: 'allergy', allergy: 'penicillin' }]);
    expect(hardRules(reply, drug('warfarin'))).toEqual([{ kind: 'already-taken' }]);
    expect(hardRules(reply, drug('hydralazine'))).toEqual([]);
  });

  it('are those of the candidate where there is one', () => {
    for (const { drug: entry, exclusions } of reply.candidates) {
      expect(hardRules(reply, entry.id)).toEqual(exclusions);
    }
  });
});

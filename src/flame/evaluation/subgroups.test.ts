import { describe, expect, it } from 'vitest';
import { groupVisits, visitGroups } from './subgroups.ts';
import { syntheticVisits } from '../testing/synthetic-visits.ts';

const title = (code: string): string | undefined => (code === '01' ? 'General practice' : undefined);
const [visit] = syntheticVisits(1);
const groupsOf = (age: number, drugs: number, specialty: string | null = '1') =>
  visitGroups(
    {
      context: { ...visit!.context, age, specialty },
      drugs: Array.from({ length: drugs }, () => visit!.drugs[0]!),
    },
    title,
  );

describe('visit groups', () => {
  it.each([
    [0, '0–17 years'],
    [17, '0–17 years'],
    [18, '18–44 years'],
    [64, '45–64 years'],
    [74, '65–74 years'],
    [75, '75 years and over'],
    [Number.NaN, 'not recorded'],
  ])('put age %d into %s', (age, name) => expect(groupsOf(age, 2).age).toBe(name));

  it.each([
    [2, '2 drugs'],
    [3, '3–4 drugs'],
    [6, '5–6 drugs'],
    [30, '7 drugs and over'],
  ])('put %d drugs into %s', (drugs, name) => expect(groupsOf(40, drugs).listLength).toBe(name));

  it('name specialties by the codebook, and keep a code that it lacks', () => {
    expect(groupsOf(40, 2, '1').specialty).toBe('General practice');
    expect(groupsOf(40, 2, '99').specialty).toBe('99');
    expect(groupsOf(40, 2, null).specialty).toBe('not recorded');
  });

  it('partition the visits, in a reader’s order', () => {
    const groups = [groupsOf(80, 2), groupsOf(5, 2), groupsOf(20, 9), groupsOf(79, 2)];
    const ages = groupVisits(groups, 'age');
    expect([...ages.keys()]).toEqual(['0–17 years', '18–44 years', '75 years and over']);
    expect([...ages.values()].map((members) => Array.from(members))).toEqual([[1], [2], [0, 3]]);
  });
});

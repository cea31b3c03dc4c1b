import { describe, expect, it } from 'vitest';
import { AUDIT_GROUPS } from '../../shared/audit.ts';
import { actionWords, detailWords } from './audit.ts';

describe('audit entries in words', () => {
  it('has words for every action that a filter names, and shows the name of any other', () => {
    const actions = new Set(Object.values(AUDIT_GROUPS).flat());
    const words = [...actions].map(actionWords);
    for (const [index, action] of [...actions].entries()) expect(words[index]).not.toBe(action);
    expect(new Set(words).size).toBe(actions.size);
    expect(actionWords('visit.weighed')).toBe('visit.weighed');
    expect(actionWords('weighed')).toBe('weighed');
  });

  it('tells apart what was changed, imported or overridden, and survives any content', () => {
    const detail = (content: unknown): string =>
      detailWords({ action: 'visit.changed', subject: 'v', content: JSON.stringify(content) });
    expect(detail({ changed: ['notes', 'allergies'] })).toBe('changed: notes, allergies');
    expect(detail({ final: ['a', 'b'], overrides: 1, findingOverrides: 1 })).toBe(
      '2 drugs, 2 warnings overridden',
    );
    expect(detail({ final: ['a'], overrides: 0 })).toBe('1 drug');
    expect(detail({ visitsCreated: 12 })).toBe('12 visits');
    for (const content of ['', '[]', 'null', '{"changed": 3}', '{broken'])
      expect(detailWords({ action: 'visit.changed', subject: 'v', content })).toBe('');
  });

  it('tells of an import from which file it was, how many visits, and whether it came to its end', () => {
    const detail = (action: string, content: object): string =>
      detailWords({ action, subject: 'clinic.csv', content: JSON.stringify(content) });
    expect(detail('visits.import-started', { format: 'csv' })).toBe('clinic.csv');
    expect(detail('visits.import-interrupted', { visitsCreated: 500 })).toBe('clinic.csv, 500 visits');
    expect(detail('visits.imported', { visitsCreated: 1, cancelled: true })).toBe(
      'clinic.csv, 1 visit, stopped before its end',
    );
    expect(detail('visits.imported', { visitsCreated: 900, resumedAfter: 500, cancelled: false })).toBe(
      'clinic.csv, 900 visits, continued after 500 visits',
    );
  });
});

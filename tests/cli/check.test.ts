import { describe, expect, it, vi } from 'vitest';
import type { CheckReport } from '../../src/cli/commands/check.ts';
import { flame, flameJson, type ErrorDocument } from './flame.ts';

// Every test starts processes of its own; a busy machine needs minutes.
vi.setConfig({ testTimeout: 300_000 });

describe('flame check', () => {
  it('accepts brands and combination brands, and tells the three kinds of unknown apart', async () => {
    const { code, document } = await flameJson<CheckReport>([
      'check',
      'Coumadin',
      'Vicodin',
      'metformin',
      'alprazolam',
      'ubidecarenone',
    ]);
    expect(code).toBe(0);
    expect(document.drugs.find(({ typed }) => typed === 'Vicodin')?.ingredients).toEqual(
      expect.arrayContaining(['hydrocodone', 'acetaminophen']),
    );
    const [worst] = document.interactions;
    expect(worst).toMatchObject({ a: 'alprazolam', b: 'hydrocodone', severity: 3 });
    expect(worst?.sources.some(({ management }) => management !== undefined)).toBe(true);
    for (const { sources } of document.interactions) {
      for (const { citation } of sources) expect(citation).not.toBe('');
    }
    expect(document.noneRecorded).toContainEqual(['metformin', 'alprazolam']);
    const shown = await flame(['check', 'metformin', 'alprazolam', 'warfarin', 'fluconazole']);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toContain('fluconazole + warfarin: 3 avoid the combination');
    expect(shown.stdout).toContain('None recorded in any table: metformin + alprazolam');
  });

  it('says which drugs no table covers', async () => {
    const { code, stdout } = await flame(['check', 'warfarin', 'carboxymethylcellulose']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Not covered by any table.*carboxymethylcellulose/);
    expect(stdout).toContain('Unchecked pairs: warfarin + carboxymethylcellulose.');
  });

  it('checks for the patient of a visit, its current medications included', async () => {
    const visit = {
      visit: 'v',
      date: '2024-05-02',
      age: 71,
      sex: 'F',
      dx_system: 'ICD-10-CM',
      dx: ['J45.909'],
      current: ['metformin', 'Unheardofine'],
      creatinine: 2.6,
    };
    const input = JSON.stringify(visit);
    const { code, document } = await flameJson<CheckReport>(['check', 'propranolol', '--visit', '-'], {
      input,
    });
    expect(code).toBe(0);
    expect(document.findings).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ check: 'renal-function', drugs: ['metformin'], severity: 4 }),
        expect.objectContaining({ check: 'contraindications', drugs: ['propranolol'], severity: 3 }),
      ]),
    );
    expect(document.findings?.filter(({ check }) => check === 'interactions')).toEqual([]);
    const { stdout } = await flame(['check', 'propranolol', '--visit', '-'], { input });
    expect(stdout).toContain('Label text: **Bronchial asthma**');
    expect(stdout).toContain('metformin: 4 contraindicated (kidney function)');
    expect(stdout).toContain('Known to no table, so not checked: Unheardofine.');
  });

  it('fails on a name that nothing is called, with close names', async () => {
    const { code, stderr, document } = await flameJson<ErrorDocument>(['check', 'warfarin', 'simvastatn']);
    expect(code).toBe(1);
    expect(document.error).toMatchObject({ code: 'DRUG_UNKNOWN', details: { name: 'simvastatn' } });
    expect(document.error.action).toContain('simvastatin');
    expect(stderr).toContain('simvastatn');
  });

  it('wants two drugs, and words for a wrong command line', async () => {
    expect((await flameJson<ErrorDocument>(['check', 'warfarin', 'Coumadin'])).document.error.code).toBe(
      'INVALID_INPUT',
    );
    const usage = await flameJson<ErrorDocument>(['check']);
    expect(usage.code).toBe(2);
    expect(usage.document.error.title).toContain('missing required argument');
    expect((await flame(['chek'])).code).toBe(2);
    expect((await flame(['--help'])).code).toBe(0);
  });
});

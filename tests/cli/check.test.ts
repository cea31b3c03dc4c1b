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

/** The report: what a row holds, how fronts compare, what is written, and the model card made from it. */

import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evidenceSchema, writeCard } from '../../scripts/evaluation/card.ts';
import { compareFronts, measureFronts } from '../../scripts/evaluation/fronts.ts';
import { OWN_AGAINST_SET } from '../../scripts/evaluation/measure.ts';
import { markdown, writeReport } from '../../scripts/evaluation/report.ts';
import { NAMES, ROWS, SHIPPED_ROW } from '../../scripts/evaluation/rows.ts';
import { trainedOnce } from '../../scripts/evaluation/runs.ts';
import { TASK_REFERENCE, TASK_ROWS } from '../../scripts/evaluation/tasks.ts';
import { ALPHA_GRID } from '../../src/flame/lists/decoding.ts';
import { readModelPack, writeModelPack } from '../../src/flame/model-pack.ts';
import { asId, type DrugId } from '../../src/shared/ids.ts';
import { FRONT_LISTS, PAIRS, tinyReport, TRUTH, WORSE_LISTS } from './fixture.ts';

const temporary = (): string => mkdtempSync(join(tmpdir(), 'flame-report-'));
const report = await tinyReport();
const [weak, strong, lists] = report.rows;

describe('a row', () => {
  it('with scores has both set rules and no own list', () => {
    expect(strong?.measures.jaccardSet?.mean).toBe(1);
    expect(strong?.measures.prauc?.mean).toBe(1);
    expect(strong?.measures.jaccardOwn).toBeUndefined();
    expect(weak?.measures.jaccardSet?.mean).toBeLessThan(0.6);
  });

  it('with lists alone has no set rule, no ranking and no threshold', () => {
    expect(lists?.measures.jaccardOwn?.mean).toBe(1);
    expect(Object.keys(lists?.measures ?? {})).toEqual(['jaccardOwn', 'f1Own']);
    expect(lists?.thresholds).toEqual([]);
    expect(lists?.safety.own?.ddiRate).toBeCloseTo(2 / 6, 12);
    expect(lists?.safety.set).toBeNull();
  });

  it('is compared where both have the measure; an own list also with the other’s set', () => {
    const [scored, own] = report.comparisons;
    expect(scored?.values.map(({ measure }) => measure)).not.toContain('jaccardOwn');
    expect(own?.values.map(({ measure }) => measure)).toEqual([OWN_AGAINST_SET]);
    expect(own?.values[0]?.difference).toBeCloseTo(1 - weak!.measures.jaccardSet!.mean, 12);
  });
});

describe('fronts', () => {
  it('hold Jaccard, DDI rate and length at every position', () => {
    const { points, seeds } = report.fronts[0]!;
    expect(seeds).toBe(2);
    expect(points.map(({ alpha }) => alpha)).toEqual([...ALPHA_GRID]);
    expect(points[0]).toMatchObject({ jaccard: 1, meanLength: 2 });
    expect(points[0]!.interactionRate).toBeCloseTo(1 / 3, 12);
    expect(points.at(-1)).toEqual({ alpha: 1, jaccard: 0.5, interactionRate: 0, meanLength: 1 });
  });

  it('compare at equal rates along straight lines, by hand', () => {
    // better: from (1/3, 1) to (0, 1/2). Worse: [0, 1], [0, 1], [2, 0], [2, 0], [0, 1], [1, 0] against the truth is
    // Jaccard 1, 1, 1/3, 1/3, 1/3, 1/3 with pairs in four of six lists, then nothing at rate 0.
    const [better, worse] = report.fronts as [(typeof report.fronts)[0], (typeof report.fronts)[0]];
    expect(worse.points[0]!.jaccard).toBeCloseTo((2 + 4 / 3) / 6, 12);
    expect(worse.points[0]!.interactionRate).toBeCloseTo(4 / 6, 12);
    const { levels, strictlyAbove } = compareFronts(better, worse);
    expect(strictlyAbove).toBe(true);
    expect(levels.map(({ interactionRate }) => interactionRate)).toEqual([0, 2 / 6]);
    expect(levels[0]!.difference).toBeCloseTo(0.5, 12);
    expect(levels[1]!.difference).toBeCloseTo(1 - (2 + 4 / 3) / 6 / 2, 12);
    expect(compareFronts(worse, better).strictlyAbove).toBe(false);
  });

  it('without a common rate are not compared', () => {
    const never = measureFronts('never', [WORSE_LISTS.map(() => TRUTH.map(() => []))], TRUTH, PAIRS);
    const always = measureFronts('always', [FRONT_LISTS.map(() => TRUTH)], TRUTH, PAIRS);
    expect(compareFronts(never, always)).toMatchObject({ levels: [], strictlyAbove: null });
  });
});

describe('completion and error finding', () => {
  const [knowing, blind] = report.tasks!.rows;

  it('are perfect for a model that knows the truth, and even for one that knows nothing', () => {
    expect(knowing?.completion?.recallAt1.mean).toBe(1);
    expect(knowing?.extras.pooledArea.mean).toBe(1);
    expect(knowing?.foreign.visitArea.mean).toBe(1);
    expect(blind?.extras.pooledArea.mean).toBe(0.5);
    expect(blind?.foreign.visitArea.mean).toBe(0.5);
  });

  it('may be answered in part, and compare in that part', () => {
    expect(blind?.completion).toBeNull();
    const [{ values }] = report.tasks!.comparisons as [(typeof report.comparisons)[0]];
    expect(values.map(({ measure, difference }) => [measure, difference])).toEqual([
      ['extrasArea', 0.5],
      ['foreignArea', 0.5],
    ]);
    expect(markdown('tiny', report)).toContain('| blind | 1 | 0.5000 [0.5000, 0.5000] |');
  });
});

describe('subgroups', () => {
  it('add up to all visits and to the mean', () => {
    const values = report.groups!.values.filter(({ partition }) => partition === 'age');
    expect(values.map(({ group, visits }) => [group, visits])).toEqual([
      ['18–44 years', 4],
      ['75 years and over', 2],
    ]);
    expect(values[0]).toMatchObject({ truthDdiRate: 0.5, prauc: null });
    expect(values[0]!.ddiRate.mean).toBe(0.5);
    expect(values[1]!.ddiRate.mean).toBe(0);
  });
});

describe('the written report', () => {
  it('says every section under its protocol and keeps long arrays to itself', () => {
    const directory = temporary();
    writeReport(directory, 'tiny', report);
    expect(readdirSync(directory).sort()).toEqual([
      'tiny-calibration.svg',
      'tiny-front.svg',
      'tiny.json',
      'tiny.md',
    ]);
    const text = readFileSync(join(directory, 'tiny.md'), 'utf8');
    const sections = text.split(/^## /m).slice(1);
    expect(sections.map((section) => section.split('\n')[0])).toEqual([
      'Accuracy',
      'Differences on the same visits',
      'Safety, calibration and cost',
      'Accuracy against interactions',
      'Completion and error finding',
      'Subgroups',
    ]);
    for (const section of sections)
      expect(section).toContain(
        '*made-up visits; no split; formulary of 4 drugs; interactions of severity 2',
      );
    expect(text).toContain('| π_cls + penalised decoding | 1 | – | – |');
    expect(text).toContain('**: above at every rate that both fronts span.');
    expect(text).toContain('| π_cls + penalised decoding | – | – | 3,456 | 12 s | 1 | a machine |');
    const json = readFileSync(join(directory, 'tiny.json'), 'utf8');
    expect(json).not.toMatch(/perVisit|ratesPerVisit/i);
    expect(evidenceSchema.parse(JSON.parse(json)).rows).toHaveLength(3);
  });

  it('has a table row for each row, as wide as its header', () => {
    for (const block of markdown('tiny', report)
      .split('\n\n')
      .filter((part) => part.startsWith('|'))) {
      const widths = new Set(
        block
          .trim()
          .split('\n')
          .map((row) => row.split('|').length),
      );
      expect(widths.size).toBe(1);
    }
  });
});

describe('the model card', () => {
  it('goes into the pack with its metrics, checked by hash', () => {
    const directory = join(temporary(), 'test-pack');
    writeModelPack(
      directory,
      {
        name: 'test-pack',
        network: { kind: 'logistic' },
        policy: null,
        knowledgeVersion: 'k',
        interactionVersion: 'i',
        dataTerms: 'statistical analysis only',
        training: {
          corpus: 'made-up visits',
          split: 'none',
          visits: 40,
          formularySize: 2,
          settings: { seed: 7 },
          hardware: 'a machine',
          seconds: 1,
        },
        threshold: 0.17,
        metrics: null,
        front: { protocol: report.protocol, points: report.fronts[0]!.points.slice() },
      },
      {
        features: ['sex:F'],
        uses: [12],
        formulary: ['aspirin', 'lisinopril'].map((drug) => asId<DrugId>(drug)),
        drugUses: [20, 22],
        visits: 40,
        lastYear: 2009,
      },
      new Map([['drugs.weight', { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) }]]),
    );
    writeCard(directory, report, 'π_cls');
    const { manifest } = readModelPack(directory);
    expect(manifest.metrics?.values).toMatchObject({ jaccardSet: 1, prauc: 1 });
    const card = readFileSync(join(directory, 'CARD.md'), 'utf8');
    for (const words of [
      'Intended use',
      'Not a medical device',
      'statistical analysis only',
      '## Calibration',
      '| 1.0 | 0.5000 | 0.0000 | 1.00 |',
      '| 75 years and over | 2 |',
      '## Limits',
      'npm run train -- --pack test-pack --seed 7',
    ])
      expect(card).toContain(words);
    expect(() => writeCard(directory, report, 'nobody')).toThrow(RangeError);
  });
});

describe('the rows', () => {
  it('have names of their own, and the names that others refer to', () => {
    const names = [...ROWS, ...TASK_ROWS].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.includes(';'))).toEqual([]); // --only splits there
    for (const name of [NAMES.mlp, NAMES.classifier, SHIPPED_ROW, TASK_REFERENCE])
      expect(names).toContain(name);
  });

  it('train once for each identity', async () => {
    const runs = { cache: temporary(), fresh: false, threads: 1, log: () => undefined };
    let trainings = 0;
    const once = (identity: unknown) =>
      trainedOnce(runs, 'toy', identity, () => {
        trainings += 1;
        return Promise.resolve(
          new Map([['w', { dtype: 'float32' as const, shape: [1], data: Float32Array.of(trainings) }]]),
        );
      });
    const first = await once({ seed: 1 });
    const again = await once({ seed: 1 });
    await once({ seed: 2 });
    expect(trainings).toBe(2);
    expect(again.parameters).toEqual(first.parameters);
    expect(again.cost).toEqual(first.cost);
    expect(first.cost.parameters).toBe(1);
  });
});

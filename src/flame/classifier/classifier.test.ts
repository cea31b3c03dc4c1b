import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadKnowledge } from '../../knowledge/knowledge.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { Classifier } from './classifier.ts';
import { contextOf } from '../corpus.ts';
import { PARITY_VISITS } from '../testing/parity-visits.ts';
import { SHIPPED_PACK } from '../model-pack.ts';

const ROOT = join(import.meta.dirname, '../../..');
const PACK = join(ROOT, 'models', SHIPPED_PACK);
const FIXTURE = join(import.meta.dirname, '../testing/parity-scores.json');
const knowledge = loadKnowledge(join(ROOT, 'resources/knowledge'));

/** The five most probable drugs of each parity visit, as the shipped pack of this version scored them. */
interface Parity {
  readonly version: string;
  readonly visits: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

let classifier: Classifier;
beforeAll(async () => {
  classifier = await Classifier.open(PACK, knowledge, { batch: 8 });
});
afterAll(() => classifier.close());

describe('the shipped classifier', () => {
  it('scores hand-made visits as it did when it was released', async () => {
    if (process.env['UPDATE_PARITY'] === '1') await freezeScores();
    const frozen = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Parity;
    expect(frozen.version).toBe(classifier.manifest.version);
    for (const record of PARITY_VISITS) {
      const [scored] = await classifier.score([contextOf(record)]);
      for (const [drug, probability] of Object.entries(frozen.visits[record.visit]!)) {
        const at = classifier.formulary.indexOf(asId<DrugId>(drug));
        expect(Math.abs(scored!.probabilities[at]! - probability)).toBeLessThan(1e-4);
      }
    }
  });

  it('names what a visit obviously calls for', async () => {
    const top = async (visit: string): Promise<readonly string[]> => {
      const record = PARITY_VISITS.find((one) => one.visit === visit)!;
      const [scored] = await classifier.score([contextOf(record)]);
      return [...classifier.formulary]
        .map((drug, i) => ({ drug, p: scored!.probabilities[i]! }))
        .sort((a, b) => b.p - a.p)
        .slice(0, 5)
        .map(({ drug }) => drug);
    };
    expect(await top('diabetes-hypertension')).toContain('metformin');
    expect(await top('asthma-child')).toContain('albuterol');
  });

  it('scores sixty diagnoses and ninety current medications, and says which codes it cannot read', async () => {
    const record = {
      ...PARITY_VISITS[0]!,
      dx: ['25000', ...Array.from({ length: 59 }, (_, i) => `Q${String(i)}`)],
      current: classifier.formulary.slice(0, 90),
    };
    const [scored] = await classifier.score([contextOf(record)]);
    expect(scored!.probabilities.length).toBe(classifier.formulary.length);
    expect(scored!.probabilities.every((p) => p >= 0 && p <= 1)).toBe(true);
    expect(scored!.unknownCodes).toContain('Q7');
    expect(scored!.unknownCodes).not.toContain('25000');
  });

  it('has a manifest that says where its numbers come from, and is small', () => {
    const { manifest } = classifier;
    expect(manifest.dataTerms).toContain('section 308(d)');
    expect(manifest.metrics?.seeds).toBe(3);
    expect(manifest.metrics?.protocol.split).toContain('2009');
    expect(manifest.front?.points.length).toBeGreaterThan(2);
    expect(manifest.files.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(20e6);
  });

  it('is refused when its weights are another network’s', async () => {
    const copy = join(mkdtempSync(join(tmpdir(), 'flame-classifier-')), 'copy');
    mkdirSync(copy);
    for (const file of ['vocabulary.json', 'model.safetensors'])
      copyFileSync(join(PACK, file), join(copy, file));
    const manifest = JSON.parse(readFileSync(join(PACK, 'manifest.json'), 'utf8')) as Record<string, unknown>;
    writeFileSync(
      join(copy, 'manifest.json'),
      JSON.stringify({
        ...manifest,
        network: { kind: 'flame', width: 64, hidden: 64, layers: 1, dropout: 0 },
      }),
    );
    await expect(Classifier.open(copy, knowledge)).rejects.toMatchObject({ code: 'MODEL_PACK_CORRUPT' });
    expect(existsSync(join(copy, 'manifest.json'))).toBe(true);
  });
});

/** Run with UPDATE_PARITY=1 after a new pack was released on purpose. */
async function freezeScores(): Promise<void> {
  const scored = await classifier.score(PARITY_VISITS.map(contextOf));
  const visits = Object.fromEntries(
    PARITY_VISITS.map(({ visit }, i) => {
      const { probabilities } = scored[i]!;
      const ranked = classifier.formulary
        .map((drug, at) => [drug, probabilities[at]!] as const)
        .sort(([, a], [, b]) => b - a);
      return [visit, Object.fromEntries(ranked.slice(0, 5).map(([drug, p]) => [drug, Number(p.toFixed(6))]))];
    }),
  );
  const parity: Parity = { version: classifier.manifest.version, visits };
  writeFileSync(FIXTURE, `${JSON.stringify(parity, null, 2)}\n`);
}

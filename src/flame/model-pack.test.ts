import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { HostTensor } from '../nn/dtype.ts';
import { asId, type DrugId } from '../shared/ids.ts';
import {
  type PackDescription,
  readModelPack,
  updatePackMeasurements,
  writeModelCard,
  writeModelPack,
} from './model-pack.ts';
import type { Vocabulary } from './encoding/vocabulary.ts';

const vocabulary: Vocabulary = {
  features: ['dx:4019', 'sex:F'],
  uses: [12, 30],
  formulary: ['aspirin', 'lisinopril'].map((name) => asId<DrugId>(name)),
  drugUses: [20, 22],
  visits: 40,
  lastYear: 2009,
};
const parameters = new Map<string, HostTensor>([
  ['drugs.weight', { dtype: 'float32', shape: [2, 2], data: Float32Array.from([0.5, -1, 2, 0.25]) }],
]);
const description: PackDescription = {
  name: 'test-pack',
  network: { kind: 'logistic' },
  policy: null,
  knowledgeVersion: 'k',
  interactionVersion: 'i',
  dataTerms: 'terms',
  training: {
    corpus: 'c',
    split: 's',
    visits: 40,
    formularySize: 2,
    settings: { seed: 1 },
    hardware: 'h',
    seconds: 1,
  },
  threshold: 0.17,
  metrics: null,
  front: null,
};

let directory: string;
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'flame-pack-')), 'test-pack');
  writeModelPack(directory, description, vocabulary, parameters);
});

describe('model packs', () => {
  it('read back as written', () => {
    const pack = readModelPack(directory);
    expect(pack.vocabulary).toEqual(vocabulary);
    expect(pack.manifest).toMatchObject(description);
    expect(pack.parameters.get('drugs.weight')).toEqual(parameters.get('drugs.weight'));
  });

  it('take new measurements without a new version', () => {
    const before = readModelPack(directory).manifest.version;
    updatePackMeasurements(directory, { threshold: 0.2 });
    expect(readModelPack(directory).manifest).toMatchObject({ version: before, threshold: 0.2 });
  });

  it('take a model card, and another one, without a new version', () => {
    const before = readModelPack(directory).manifest;
    writeModelCard(directory, '# First\n');
    writeModelCard(directory, '# Second\n');
    const { manifest } = readModelPack(directory);
    expect(readFileSync(join(directory, 'CARD.md'), 'utf8')).toBe('# Second\n');
    expect(manifest.version).toBe(before.version);
    expect(manifest.files.map(({ file }) => file)).toEqual([
      'vocabulary.json',
      'model.safetensors',
      'CARD.md',
    ]);
    updatePackMeasurements(directory, { threshold: 0.2 });
    expect(readModelPack(directory).manifest.files).toEqual(manifest.files);
  });

  it('refuse a card that is not the one written, and lose the card with its weights', () => {
    writeModelCard(directory, '# Card\n');
    writeFileSync(join(directory, 'CARD.md'), '# Dard\n');
    expect(problemOf(directory).problem).toBe("the sha256 of CARD.md is not the manifest's");
    writeModelPack(directory, description, vocabulary, parameters);
    expect(existsSync(join(directory, 'CARD.md'))).toBe(false);
    expect(readModelPack(directory).manifest.files).toHaveLength(2);
  });

  it.each(['vocabulary.json', 'model.safetensors'])('refuse a changed byte in %s, naming it', (file) => {
    const path = join(directory, file);
    const bytes = readFileSync(path);
    bytes[bytes.length - 2] = bytes.at(-2)! ^ 1;
    writeFileSync(path, bytes);
    expect(problemOf(directory)).toEqual({
      code: 'MODEL_PACK_CORRUPT',
      problem: `the sha256 of ${file} is not the manifest's`,
    });
  });

  it.each(['vocabulary.json', 'model.safetensors'])('refuse a longer and a missing %s', (file) => {
    appendFileSync(join(directory, file), ' ');
    expect(problemOf(directory).problem).toContain(`${file} has`);
    rmSync(join(directory, file));
    expect(problemOf(directory).problem).toBe(`${file} is missing`);
  });

  it('refuse a manifest that is no manifest, and a folder without one', () => {
    writeFileSync(join(directory, 'manifest.json'), '{"format":"flame-model-pack-1"}');
    expect(problemOf(directory)).toEqual({
      code: 'MODEL_PACK_CORRUPT',
      problem: 'manifest.json cannot be read',
    });
    rmSync(join(directory, 'manifest.json'));
    expect(problemOf(directory).code).toBe('MODEL_PACK_MISSING');
  });
});

function problemOf(pack: string): { code: string; problem: string } {
  try {
    readModelPack(pack);
  } catch (error) {
    const { code, details } = error as { code: string; details: Record<string, string> };
    return { code, problem: details['problem'] ?? '' };
  }
  throw new Error('the pack was accepted');
}

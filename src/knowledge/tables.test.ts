import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FlameError } from '../shared/errors.ts';
import { drug, KNOWLEDGE_DIRECTORY } from './fixture.ts';
import { loadKnowledge } from './knowledge.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'flame-knowledge-'));
  cpSync(KNOWLEDGE_DIRECTORY, directory, { recursive: true });
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function thrown(action: () => unknown): FlameError {
  try {
    action();
  } catch (error) {
    if (error instanceof FlameError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function damage(file: string): void {
  const path = join(directory, file);
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1]! ^= 0xff;
  writeFileSync(path, bytes);
}

describe('a damaged folder', () => {
  test.each(['drugs.tsv.gz', 'names.tsv.gz', 'interactions.tsv.gz'])(
    '%s damaged: refused at once',
    (file) => {
      damage(file);
      expect(thrown(() => loadKnowledge(directory))).toMatchObject({
        code: 'KNOWLEDGE_CORRUPT',
        details: { file },
      });
    },
  );

  test.each(['rules.json', 'icd10cm.tsv.gz', 'drugs.tsv.gz'])('%s missing: refused at once', (file) => {
    rmSync(join(directory, file));
    expect(thrown(() => loadKnowledge(directory))).toMatchObject({
      code: 'KNOWLEDGE_CORRUPT',
      details: { file },
    });
  });

  test.each(['', '{', '{"version":"x"}'])('an unreadable manifest (%j) is refused', (content) => {
    writeFileSync(join(directory, 'manifest.json'), content);
    expect(thrown(() => loadKnowledge(directory))).toMatchObject({
      code: 'KNOWLEDGE_CORRUPT',
      details: { file: 'manifest.json' },
    });
  });

  test('a table read on first use is checked then, and by verifyAll', () => {
    damage('icd10cm.tsv.gz');
    const knowledge = loadKnowledge(directory);
    const expected = { code: 'KNOWLEDGE_CORRUPT', details: { file: 'icd10cm.tsv.gz' } };
    expect(thrown(() => knowledge.codes.title('ICD-10-CM', 'I10'))).toMatchObject(expected);
    expect(thrown(() => knowledge.verifyAll())).toMatchObject(expected);
  });

  test('well-formed content that is not what was compiled is refused too', () => {
    writeFileSync(join(directory, 'interactions.tsv.gz'), gzipSync('a\tb\tseverity\tdisputed\tsources\n'));
    expect(thrown(() => loadKnowledge(directory)).details).toEqual({ file: 'interactions.tsv.gz' });
  });
});

describe('a sound folder', () => {
  test('opens, verifies whole, and names its versions and terms', () => {
    const knowledge = loadKnowledge(directory);
    knowledge.verifyAll();
    expect(knowledge.version).toMatch(/^\d{4}\.\d{2}-[0-9a-f]{8}$/);
    expect(knowledge.interactionVersion).toMatch(/^\d{4}\.\d{2}-[0-9a-f]{8}$/);
    for (const table of knowledge.manifest.tables) {
      for (const id of table.sources) {
        const source = knowledge.manifest.sources.find((entry) => entry.id === id);
        expect(source?.licence, `${table.file} from ${id}`).toBeTruthy();
      }
    }
    expect(knowledge.texts.indications(drug('metformin'))).toContain('Type 2 Diabetes Mellitus');
    expect(knowledge.texts.contraindications(drug('metformin'))[0]).toContain('contraindicated');
    expect(knowledge.texts.indications(drug('unheard of'))).toEqual([]);
  });
});

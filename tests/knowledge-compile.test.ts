import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  compileKnowledge,
  compilePatientRulesDocument,
  compileRulesDocument,
} from '../scripts/compile-knowledge.ts';
import { evidenceReport } from '../scripts/knowledge/evidence-report.ts';
import { isForPretermInfants } from '../scripts/knowledge/texts.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import type { Manifest } from '../src/knowledge/manifest.ts';
import { asId, type DrugId } from '../src/shared/ids.ts';

const ROOT = resolve(import.meta.dirname, '..');
const SHIPPED = join(ROOT, 'resources', 'knowledge');
const folder = mkdtempSync(join(tmpdir(), 'flame-compile-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('compile:knowledge', () => {
  test('gives the shipped tables again, hash by hash', async () => {
    const shipped = JSON.parse(readFileSync(join(SHIPPED, 'manifest.json'), 'utf8')) as Manifest;
    const again = await compileKnowledge(join(ROOT, 'data'), join(folder, 'knowledge'));
    expect(again.manifest).toEqual(shipped);
    expect(evidenceReport(again.evidence)).toBe(
      readFileSync(join(ROOT, 'docs', 'reports', 'rule-evidence.md'), 'utf8'),
    );
  }, 240_000);

  test('the pages of rules are the ones that the sources give', () => {
    const page = (name: string): string => readFileSync(join(ROOT, 'docs', 'references', name), 'utf8');
    expect(compileRulesDocument(join(ROOT, 'data'))).toBe(page('class-rules.md'));
    expect(compilePatientRulesDocument(join(ROOT, 'data'))).toBe(page('patient-rules.md'));
  });

  test('ships only what the manifest names, below 6 MB', () => {
    const shipped = JSON.parse(readFileSync(join(SHIPPED, 'manifest.json'), 'utf8')) as Manifest;
    const files = readdirSync(SHIPPED).sort();
    expect(files).toEqual(['manifest.json', ...shipped.tables.map(({ file }) => file)].sort());
    const bytes = files.reduce((sum, file) => sum + statSync(join(SHIPPED, file)).size, 0);
    expect(bytes).toBeLessThan(6_000_000);
  });

  test('ships no structure beside the fingerprints, and no ATC code', () => {
    const header = (file: string): string =>
      readFileSync(join(ROOT, 'data', 'knowledge', file), 'utf8').split('\n')[0]!;
    expect(readdirSync(SHIPPED)).not.toContain('structures.tsv.gz');
    expect(header('corpus_drugs.tsv')).toBe('drug\tvisits\tkept_visits');
  });

  test('takes label text from products for preterm infants only where there is no other', () => {
    expect(isForPretermInfants('Premature infants with corrected age < 5 weeks')).toBe(true);
    expect(isForPretermInfants('contraindicated for premature infants because their skin is thin')).toBe(
      false,
    );
    expect(isForPretermInfants('in infants under 2 years of age who have suspected infections')).toBe(false);
    const { texts } = loadKnowledge(SHIPPED);
    const sections = (name: string) => texts.contraindications(asId<DrugId>(name)).join(' ');
    expect(sections('propranolol')).toContain('Bronchial asthma');
    expect(sections('propranolol')).not.toContain('80 beats per minute');
    expect(sections('ibuprofen')).not.toContain('Preterm infants');
  });
});

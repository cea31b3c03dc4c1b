/**
 * `npm run compile:knowledge`: turns data/knowledge into resources/knowledge with a manifest of hashes and terms.
 * Also writes docs/references/class-rules.md and patient-rules.md, and docs/reports/rule-evidence.md. Runs from a clone only; the app reads the result and never this script.
 */

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { type Manifest, manifestSchema } from '../src/knowledge/manifest.ts';
import { evidenceReport } from './knowledge/evidence-report.ts';
import { gatherEvidence, type RuleEvidence } from './knowledge/gather-evidence.ts';
import { compileCodes } from './knowledge/codes.ts';
import { readDrugs, writeDrugs } from './knowledge/drugs.ts';
import { compileInteractions } from './knowledge/interactions.ts';
import { compileMolecules } from './knowledge/molecules.ts';
import { patientRulesDocument, readPatientRules, writePatientRules } from './knowledge/patient-rules.ts';
import { rulesDocument } from './knowledge/rules-document.ts';
import { readRules } from './knowledge/rules.ts';
import { byCodeUnit, readJson, sha256, TableWriter } from './knowledge/tables.ts';
import { compileTexts } from './knowledge/texts.ts';
import { compileVisitCounts } from './knowledge/visit-counts.ts';

const sourcesSchema = z.object({ date: z.string(), sources: manifestSchema.shape.sources });
/** What an interaction count depends on; their hash is the interaction version. */
const INTERACTION_TABLES = ['interactions.tsv.gz', 'rules.json'];

/**
 * Compiles every table. The same sources give the same content, on any machine. The target is replaced at the end and
 * as a whole: a failed compile leaves the old tables.
 */
export async function compileKnowledge(data: string, target: string): Promise<CompiledKnowledge> {
  const knowledge = join(data, 'knowledge');
  const fresh = `${target}.new`;
  rmSync(fresh, { recursive: true, force: true });
  const writer = new TableWriter(fresh);
  const tables = readDrugs(knowledge);
  const rules = readRules(knowledge, tables);
  const { pairs, covered } = compileInteractions(knowledge, tables, rules, writer);
  writeDrugs(knowledge, tables, covered, writer);
  compileCodes(knowledge, join(data, 'visits'), writer);
  const sections = compileTexts(knowledge, tables, writer);
  compileVisitCounts(join(data, 'visits'), tables, writer);
  const evidence = gatherEvidence(knowledge, { tables, rules, pairs, sections });
  writePatientRules(evidence.patientRules, writer);
  writer.json('rule-support.json.gz', evidence.classSupport, evidence.classRules.length, [
    'flame',
    'fda-label',
  ]);
  await compileMolecules(knowledge, tables, writer);

  const { date, sources } = sourcesSchema.parse(readJson(knowledge, 'sources.json'));
  const entries = writer.entries.sort((a, b) => byCodeUnit(a.file, b.file));
  const versionOf = (files: typeof entries): string =>
    `${date}-${sha256(files.map(({ file, sha256: hash }) => `${file} ${hash}`).join('\n')).slice(0, 8)}`;
  const manifest: Manifest = manifestSchema.parse({
    version: versionOf(entries),
    interactionVersion: versionOf(entries.filter(({ file }) => INTERACTION_TABLES.includes(file))),
    tables: entries,
    sources,
  });
  writeFileSync(join(fresh, 'manifest.json'), JSON.stringify(manifest, null, 1) + '\n');
  rmSync(target, { recursive: true, force: true });
  renameSync(fresh, target);
  return { manifest, evidence };
}

export interface CompiledKnowledge {
  readonly manifest: Manifest;
  /** What the rules were held against, for the report. */
  readonly evidence: RuleEvidence;
}

/** The page docs/references/class-rules.md. */
export function compileRulesDocument(data: string): string {
  const knowledge = join(data, 'knowledge');
  return rulesDocument(readRules(knowledge, readDrugs(knowledge)));
}

/** The page docs/references/patient-rules.md. */
export function compilePatientRulesDocument(data: string): string {
  const knowledge = join(data, 'knowledge');
  return patientRulesDocument(readPatientRules(knowledge, readDrugs(knowledge)));
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === import.meta.filename) {
  const root = resolve(import.meta.dirname, '..');
  const target = join(root, 'resources', 'knowledge');
  const { manifest, evidence } = await compileKnowledge(join(root, 'data'), target);
  const pages = join(root, 'docs', 'references');
  writeFileSync(join(pages, 'class-rules.md'), compileRulesDocument(join(root, 'data')));
  writeFileSync(join(pages, 'patient-rules.md'), compilePatientRulesDocument(join(root, 'data')));
  writeFileSync(join(root, 'docs', 'reports', 'rule-evidence.md'), evidenceReport(evidence));
  for (const { file, rows } of manifest.tables) {
    const size = Math.ceil(readFileSync(join(target, file)).length / 1024);
    console.log(`${file.padEnd(26)} ${String(rows).padStart(7)} rows ${String(size).padStart(6)} KiB`);
  }
  console.log(`knowledge ${manifest.version}, interactions ${manifest.interactionVersion}`);
}

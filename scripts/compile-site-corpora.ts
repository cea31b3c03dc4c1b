/**
 * Writes data/sites from the published MIMIC-IV and eICU demo tables: one visit file for each site, and manifest.json with
 * its provenance. `npm run compile:sites -- <folder with mimic-iv-demo/ and eicu-demo/>`. Gives the same bytes every time.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import { parseVisitRecord } from '../src/records/visit-record.ts';
import { DrugNames } from './sites/drug-names.ts';
import { compileEicu, EICU_FILES } from './sites/eicu.ts';
import { compileMimicIv, MIMIC_FILES } from './sites/mimic-iv.ts';

const root = resolve(import.meta.dirname, '..');
const [source, target = join(root, 'data/sites')] = process.argv.slice(2);
if (source === undefined) throw new Error('compile-site-corpora.ts needs the folder of the published tables');

const SITES = [
  {
    id: 'mimic-iv-demo',
    name: 'MIMIC-IV Clinical Database Demo 2.2',
    files: MIMIC_FILES,
    compile: compileMimicIv,
    terms:
      'Contains information from the MIMIC-IV Clinical Database Demo 2.2 (Johnson, Bulgarelli, Pollard, Horng, Celi, Mark; PhysioNet 2023, https://doi.org/10.13026/dp1f-ex47), made available under the Open Database License 1.0. This derived database is available under the same licence.',
  },
  {
    id: 'eicu-demo',
    name: 'eICU Collaborative Research Database Demo 2.0',
    files: EICU_FILES,
    compile: compileEicu,
    terms:
      'Contains information from the eICU Collaborative Research Database Demo 2.0 (Johnson, Pollard, Badawi, Raffa; PhysioNet 2021, https://doi.org/10.13026/4mxk-na84), made available under the Open Database License 1.0. This derived database is available under the same licence.',
  },
];

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
const { drugs } = loadKnowledge(join(root, 'resources/knowledge'));
const names = new DrugNames(drugs, join(root, 'data/sites/drug-names.tsv'));

mkdirSync(target, { recursive: true });
const sites = SITES.map(({ id, name, files, compile, terms }) => {
  const { visits, mapping } = compile(join(source, id), names);
  for (const visit of visits) {
    const parsed = parseVisitRecord(visit);
    if (!parsed.ok) throw new Error(`${visit.visit}: ${parsed.problem}`);
  }
  const text = visits.map((visit) => `${JSON.stringify(visit)}\n`).join('');
  writeFileSync(join(target, `${id}.jsonl.gz`), gzipSync(text, { level: 9 }));
  return {
    name,
    licence: 'ODbL-1.0',
    terms,
    file: `${id}.jsonl.gz`,
    /** Of the content before compression. */
    sha256: sha256(text),
    patients: new Set(visits.map((visit) => visit.patient)).size,
    visits: visits.length,
    withPrevious: visits.filter((visit) => visit.previous!.length > 0).length,
    mapping,
    sources: Object.fromEntries(
      files.map((file) => [
        `${file}.csv.gz`,
        { sha256: sha256(readFileSync(join(source, id, `${file}.csv.gz`))) },
      ]),
    ),
  };
});
writeFileSync(join(target, 'manifest.json'), `${JSON.stringify({ format: 1, sites }, null, 2)}\n`);
for (const { file, patients, visits, withPrevious, mapping } of sites)
  console.log(
    `${file}: ${patients} patients, ${visits} visits, ${withPrevious} with a previous one; ` +
      `${mapping.mapped} of ${mapping.rows} order rows mapped, ${mapping.setAside} set aside, ` +
      `${mapping.unmapped} not mapped, ${mapping.nameless} without name or known code`,
  );

/**
 * Writes data/sites from the published MIMIC-IV and eICU demo tables: one visit file for each site, and manifest.json with
 * its provenance. `npm run compile:sites -- <folder with mimic-iv-demo/ and eicu-demo/>`. Gives the same bytes every time.
 */

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { makeDataset, type DatasetVisit } from '../src/engine/imports/dataset.ts';
import { readMappingFile } from '../src/engine/imports/mapping-file.ts';
import { siteMappingsOf } from '../src/engine/store/site-mappings.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import { detectSource } from '../src/records/sources/detect.ts';
import { EICU_TABLES } from '../src/records/sources/eicu.ts';
import { MIMIC_TABLES } from '../src/records/sources/mimic.ts';
import { parseVisitRecord } from '../src/records/visit-record.ts';
const root = resolve(import.meta.dirname, '..');
const [source, target = join(root, 'data/sites')] = process.argv.slice(2);
if (source === undefined) throw new Error('compile-site-corpora.ts needs the folder of the published tables');

const SITES = [
  {
    id: 'mimic-iv-demo',
    name: 'MIMIC-IV Clinical Database Demo 2.2',
    files: MIMIC_TABLES,
    format: 'mimic-iv',
    terms:
      'Contains information from the MIMIC-IV Clinical Database Demo 2.2 (Johnson, Bulgarelli, Pollard, Horng, Celi, Mark; PhysioNet 2023, https://doi.org/10.13026/dp1f-ex47), made available under the Open Database License 1.0. This derived database is available under the same licence.',
  },
  {
    id: 'eicu-demo',
    name: 'eICU Collaborative Research Database Demo 2.0',
    files: EICU_TABLES,
    format: 'eicu',
    terms:
      'Contains information from the eICU Collaborative Research Database Demo 2.0 (Johnson, Pollard, Badawi, Raffa; PhysioNet 2021, https://doi.org/10.13026/4mxk-na84), made available under the Open Database License 1.0. This derived database is available under the same licence.',
  },
] as const;

const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');
const { drugs } = loadKnowledge(join(root, 'resources/knowledge'));
const { rows: byHand, refused } = await readMappingFile(
  join(root, 'data/sites/drug-names.tsv'),
  drugs,
  new Date(),
);
if (refused.length > 0) throw new Error(`drug-names.tsv: ${JSON.stringify(refused)}`);

/** Every usable visit, by identifier: one is enough, since a site is measured with and without history. */
async function compile(id: (typeof SITES)[number]['id'], format: (typeof SITES)[number]['format']) {
  const scratch = mkdtempSync(join(tmpdir(), 'flame-sites-'));
  const visits: DatasetVisit[] = [];
  try {
    const { source: report } = await makeDataset(
      {
        source: await detectSource(join(source!, id), format),
        drugs,
        site: siteMappingsOf(byHand),
        scratch,
        settings: { prefix: id },
      },
      { minVisits: 1, require: ['dx', 'drugs'], topDiagnoses: null, topDrugs: null },
      (some) => void visits.push(...some),
    );
    visits.sort((a, b) => (a.visit < b.visit ? -1 : 1));
    const { mentions, mapped, throughCode, setAside, unmapped, nameless } = report.drugs;
    const named = report.unresolvedDrugs.filter(({ kind }) => kind === 'name');
    const mapping = {
      rows: mentions,
      mapped,
      mappedThroughCode: throughCode,
      setAside,
      nameless,
      unmapped: unmapped - nameless,
      unmappedNames: Object.fromEntries(named.map(({ name, count }) => [name, count])),
    };
    return { visits, mapping };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

mkdirSync(target, { recursive: true });
const sites: object[] = [];
for (const { id, name, files, format, terms } of SITES) {
  const { visits, mapping } = await compile(id, format);
  for (const visit of visits) {
    const parsed = parseVisitRecord(visit);
    if (!parsed.ok) throw new Error(`${visit.visit}: ${parsed.problem}`);
  }
  const text = visits.map((visit) => `${JSON.stringify(visit)}\n`).join('');
  writeFileSync(join(target, `${id}.jsonl.gz`), gzipSync(text, { level: 9 }));
  const withPrevious = visits.filter((visit) => visit.previous!.length > 0).length;
  const patients = new Set(visits.map((visit) => visit.patient)).size;
  sites.push({
    name,
    licence: 'ODbL-1.0',
    terms,
    file: `${id}.jsonl.gz`,
    /** Of the content before compression. */
    sha256: sha256(text),
    patients,
    visits: visits.length,
    withPrevious,
    mapping,
    sources: Object.fromEntries(
      files.map((file) => [
        `${file}.csv.gz`,
        { sha256: sha256(readFileSync(join(source, id, `${file}.csv.gz`))) },
      ]),
    ),
  });
  console.log(
    `${id}.jsonl.gz: ${patients} patients, ${visits.length} visits, ${withPrevious} with a previous one; ` +
      `${mapping.mapped} of ${mapping.rows} order rows mapped, ${mapping.setAside} set aside, ` +
      `${mapping.unmapped} not mapped, ${mapping.nameless} without name or known code`,
  );
}
writeFileSync(join(target, 'manifest.json'), `${JSON.stringify({ format: 1, sites }, null, 2)}\n`);

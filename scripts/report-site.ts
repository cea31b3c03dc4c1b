/**
 * Measures adaptation to a local site on corpus I (METHOD section 5): five folds by patient, zero-shot, adapted to the other
 * folds, and the baselines on the same folds. `npm run report:site` writes docs/reports/local-site.{md,json}; with
 * a corpus, and parts of PARTS, that corpus and those rows alone. With the path of a file that `flame dataset` wrote, it measures
 * that file and writes beside it, never into the project. What a fold answered is kept in .cache/site-folds, or beside the file.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { Classifier } from '../src/flame/classifier/classifier.ts';
import { readVisitFile } from '../src/flame/corpus.ts';
import { recordedPairs } from '../src/flame/lists/formulary-pairs.ts';
import { readModelPack, SHIPPED_PACK } from '../src/flame/model-pack.ts';
import { siteFormulary } from '../src/flame/site/adapt.ts';
import { withEarlierVisits } from '../src/flame/site/patient-history.ts';
import { labelsOf, type SiteVisit, siteVisit } from '../src/flame/site/site-visits.ts';
import { fileHash } from '../src/flame/train-pack.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import { FOLDS, type Part, PARTS, scoreSite } from './sites/cross-validate.ts';
import { measureSite, type SiteResult } from './sites/measure-site.ts';
import { siteMarkdown } from './sites/site-report.ts';

const root = resolve(import.meta.dirname, '..');
const [wanted, ...only] = process.argv.slice(2);
const parts = (Object.keys(PARTS) as Part[]).filter((part) => only.length === 0 || only.includes(part));
const knowledge = loadKnowledge(join(root, 'resources/knowledge'));
const base = readModelPack(join(root, 'models', SHIPPED_PACK));
const classifier = await Classifier.of(base, knowledge, { threads: 1 });
/** A file of the reader's own, which must leave nothing in the project. */
const own = wanted !== undefined && existsSync(wanted) ? resolve(wanted) : null;
const manifest = JSON.parse(readFileSync(join(root, 'data/sites/manifest.json'), 'utf8')) as {
  readonly sites: readonly { readonly name: string; readonly file: string; readonly sha256: string }[];
};

/** Of all that the kept answers rest on beside data: another version of it starts anew. */
function codeHash(): string {
  const hash = createHash('sha256').update(`${base.manifest.version} ${knowledge.version}`);
  for (const folder of ['src/nn', 'src/flame', 'src/flame/site', 'src/flame/local', 'scripts/sites'])
    for (const name of readdirSync(join(root, folder)).sort())
      if (name.endsWith('.ts') && !name.endsWith('.test.ts'))
        hash.update(readFileSync(join(root, folder, name)));
  return hash.digest('hex').slice(0, 12);
}

const code = codeHash();
const results: SiteResult[] = [];
const sites =
  own === null
    ? manifest.sites.filter(({ file }) => file.startsWith(wanted ?? ''))
    : [{ name: basename(own), file: own, sha256: fileHash(own) }];
if (sites.length === 0) throw new RangeError(`${wanted} is neither a corpus of data/sites nor a file`);
for (const { name, file, sha256 } of sites) {
  const started = performance.now();
  const dated: (SiteVisit & { readonly date: string | null })[] = [];
  for await (const record of readVisitFile(resolve(root, 'data/sites', file)))
    dated.push({ ...siteVisit(record), date: record.date ?? null });
  const all = withEarlierVisits(dated);
  const formulary = siteFormulary(all);
  const truthOfAll = labelsOf(all, formulary);
  const visits = all.filter((_, i) => truthOfAll[i]!.length >= 2);
  const seconds = (): number => (performance.now() - started) / 1000;
  const predictions = await scoreSite({
    visits,
    formulary,
    classifier,
    base,
    knowledge,
    parts,
    onFold: (part, fold) =>
      console.log(
        `${file}: ${part}, fold ${fold + 1} of ${FOLDS}, ${seconds().toFixed(0)} s, load ${loadavg()[0]!.toFixed(1)}`,
      ),
    keep:
      own === null
        ? join(root, '.cache/site-folds', `${file.split('.')[0]!}-${sha256.slice(0, 8)}-${code}`)
        : `${own}.folds-${sha256.slice(0, 8)}-${code}`,
  });
  results.push(
    measureSite({
      corpus: name,
      sha256,
      visits,
      formulary,
      classifierDrugs: classifier.formulary,
      pairs: recordedPairs(formulary, knowledge),
      predictions,
      seconds: seconds(),
    }),
  );
}
await classifier.close();

const report = {
  createdAt: new Date().toISOString(),
  command: own === null ? 'npm run report:site' : `npm run report:site -- ${basename(own)}`,
  hardware: `${cpus()[0]?.model ?? 'unknown processor'}, one thread, load ${loadavg()[0]!.toFixed(0)} on ${cpus().length} cores`,
  classifier: `${classifier.manifest.name} ${classifier.manifest.version}`,
  interactionTable: knowledge.interactionVersion,
  sites: results,
};
const name = wanted === undefined ? 'local-site' : `local-site-${wanted}`;
const stem = own === null ? join(root, 'docs/reports', name) : `${own}.report`;
mkdirSync(dirname(stem), { recursive: true });
writeFileSync(`${stem}.json`, `${JSON.stringify(report, null, 1)}\n`);
writeFileSync(`${stem}.md`, siteMarkdown(report));
for (const { corpus, rows } of results)
  for (const row of rows)
    console.log(
      `${corpus} · ${row.name}: ` +
        row.groups.map(({ group, jaccard }) => `${group} ${jaccard.mean.toFixed(4)}`).join(', '),
    );

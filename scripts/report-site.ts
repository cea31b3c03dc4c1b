/**
 * Measures adaptation to a local site on corpus I (METHOD section 5): five folds by patient, zero-shot, adapted to the other
 * folds, and the baselines on the same folds. `npm run report:site` writes docs/reports/local-site.{md,json}.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { Classifier } from '../src/flame/classifier.ts';
import { readVisitFile } from '../src/flame/corpus.ts';
import { recordedPairs } from '../src/flame/formulary-pairs.ts';
import { readModelPack, SHIPPED_PACK } from '../src/flame/model-pack.ts';
import { siteFormulary } from '../src/flame/site/adapt.ts';
import { withEarlierVisits } from '../src/flame/site/patient-history.ts';
import { labelsOf, type SiteVisit, siteVisit } from '../src/flame/site/site-visits.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import { FOLDS, scoreSite } from './sites/cross-validate.ts';
import { measureSite, type SiteResult } from './sites/measure-site.ts';
import { siteMarkdown } from './sites/site-report.ts';

const root = resolve(import.meta.dirname, '..');
const wanted = process.argv[2];
const knowledge = loadKnowledge(join(root, 'resources/knowledge'));
const base = readModelPack(join(root, 'models', SHIPPED_PACK));
const classifier = await Classifier.of(base, knowledge, { threads: 1 });
const manifest = JSON.parse(readFileSync(join(root, 'data/sites/manifest.json'), 'utf8')) as {
  readonly sites: readonly { readonly name: string; readonly file: string; readonly sha256: string }[];
};

const results: SiteResult[] = [];
for (const { name, file, sha256 } of manifest.sites) {
  if (wanted !== undefined && !file.startsWith(wanted)) continue;
  const started = performance.now();
  const dated: (SiteVisit & { readonly date: string | null })[] = [];
  for await (const record of readVisitFile(join(root, 'data/sites', file)))
    dated.push({ ...siteVisit(record), date: record.date ?? null });
  const all = withEarlierVisits(dated);
  const formulary = siteFormulary(all);
  const truthOfAll = labelsOf(all, formulary);
  const visits = all.filter((_, i) => truthOfAll[i]!.length >= 2);
  const predictions = await scoreSite(visits, formulary, classifier, base, knowledge, (fold) =>
    console.log(
      `${file}: fold ${fold + 1} of ${FOLDS}, ${((performance.now() - started) / 1000).toFixed(0)} s`,
    ),
  );
  results.push(
    measureSite({
      corpus: name,
      sha256,
      visits,
      formulary,
      classifierDrugs: classifier.formulary,
      pairs: recordedPairs(formulary, knowledge),
      predictions,
      seconds: (performance.now() - started) / 1000,
    }),
  );
}
await classifier.close();

const directory = join(root, 'docs/reports');
mkdirSync(directory, { recursive: true });
const report = {
  createdAt: new Date().toISOString(),
  command: 'npm run report:site',
  hardware: `${cpus()[0]?.model ?? 'unknown processor'}, one thread`,
  classifier: `${classifier.manifest.name} ${classifier.manifest.version}`,
  interactionTable: knowledge.interactionVersion,
  sites: results,
};
const name = wanted === undefined ? 'local-site' : `local-site-${wanted}`;
writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(report, null, 1)}\n`);
writeFileSync(join(directory, `${name}.md`), siteMarkdown(report));
for (const { corpus, rows } of results)
  for (const row of rows)
    console.log(
      `${corpus} · ${row.name}: ` +
        row.groups.map(({ group, jaccard }) => `${group} ${jaccard.mean.toFixed(4)}`).join(', '),
    );

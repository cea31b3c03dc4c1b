/**
 * Times local fine-tuning: 200 admissions of the MIMIC-IV demo, profile standard, one thread, in this process. `npm run
 * bench:finetune` prints wall time, processor time, peak memory and the load; the profile can be given as an argument.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { contextOf, readVisitFile } from '../src/flame/corpus.ts';
import { controlOf } from '../src/flame/local/control.ts';
import { finetune } from '../src/flame/local/finetune.ts';
import { type DatedVisit, splitVisits } from '../src/flame/local/split-visits.ts';
import { withEarlierVisits } from '../src/flame/site/patient-history.ts';
import { readModelPack, SHIPPED_PACK } from '../src/flame/model-pack.ts';
import { loadKnowledge } from '../src/knowledge/knowledge.ts';
import { DEFAULT_SETTINGS, type FinetuneProfile, PROFILES } from '../src/shared/finetune.ts';

const VISITS = 200;
const root = resolve(import.meta.dirname, '..');
const profile = PROFILES.find((one): one is FinetuneProfile => one === process.argv[2]) ?? 'standard';
const visits: DatedVisit[] = [];
for await (const record of readVisitFile(join(root, 'data/sites/mimic-iv-demo.jsonl.gz')))
  if (visits.length < VISITS && record.drugs.length >= 2)
    visits.push({
      id: record.visit,
      patient: record.patient ?? record.visit,
      date: record.date ?? null,
      context: contextOf(record),
      drugs: record.drugs as DatedVisit['drugs'],
    });

const folder = mkdtempSync(join(tmpdir(), 'flame-bench-'));
const started = performance.now();
let stage = '';
const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`;
const processor = (): string => {
  const { user, system } = process.cpuUsage();
  return `${((user + system) / 1e6).toFixed(0)} s`;
};
try {
  const { manifest } = await finetune(
    {
      job: 'bench',
      name: 'bench',
      split: splitVisits(withEarlierVisits(visits)),
      settings: { ...DEFAULT_SETTINGS, profile },
    },
    {
      base: readModelPack(join(root, 'models', SHIPPED_PACK)),
      knowledge: loadKnowledge(join(root, 'resources/knowledge')),
      workFolder: join(folder, 'work'),
      modelFolder: join(folder, 'model'),
      control: controlOf(),
      onPoint: (point) => {
        if (point.stage === stage) return;
        stage = point.stage;
        console.log(`${stage}: begins at ${seconds()} of the clock, ${processor()} of the processor`);
      },
    },
  );
  const memory = (process.resourceUsage().maxRSS / 1e6).toFixed(2);
  console.log(
    `${VISITS} visits, profile ${profile}: ${seconds()} of the clock, ${processor()} of the processor, ` +
      `peak ${memory} GB; ${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, load ${loadavg()[0]!.toFixed(1)}`,
  );
  for (const { model, jaccard } of manifest.evaluation!.rows)
    console.log(
      `${model}: Jaccard ${jaccard.mean.toFixed(4)} (${jaccard.low.toFixed(3)}–${jaccard.high.toFixed(3)})`,
    );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Local fine-tuning in real Electron: the report before a start, a training process beside the engine, and its end. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { readVisitFile } from '../../src/flame/corpus.ts';
import { expect, type FlameApp, ROOT, temporaryFolder, test } from './app.ts';
import { seriousFindings } from './axe.ts';
import { importPicked } from './workspace.ts';

/** Admissions of the MIMIC-IV demo as a file to import. */
async function siteFile(visits: number): Promise<string> {
  const lines: string[] = [];
  for await (const record of readVisitFile(join(ROOT, 'data/sites/mimic-iv-demo.jsonl.gz')))
    if (lines.length < visits) lines.push(JSON.stringify(record));
  const file = join(temporaryFolder(), 'site.jsonl');
  writeFileSync(file, lines.join('\n'));
  return file;
}

async function openTraining(page: Page): Promise<void> {
  await importPicked(page);
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('button', { name: 'Training', exact: true }).click();
  await expect(page.getByText('Nothing was trained here yet.')).toBeVisible();
}

const trainerPid = (flame: FlameApp): Promise<number | null> =>
  flame.electron.evaluate(
    ({ app }) => app.getAppMetrics().find(({ name }) => name === 'trainer')?.pid ?? null,
  );

test('refuses a few visits with the reason, and trains nothing', async ({ launch }) => {
  const { page } = await launch({ env: { FLAME_E2E_IMPORT_FILE: await siteFile(12) } });
  await openTraining(page);
  await page.getByRole('button', { name: 'New training …' }).click();
  const dialog = page.getByRole('dialog', { name: 'New training' });
  await expect(dialog.getByText('12 usable visits; at least 60 are needed.')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Start training' })).toBeDisabled();
});

test('shows what would be learnt from, trains in a process of its own, and ends it when told to', async ({
  launch,
}) => {
  const archive = join(temporaryFolder(), 'set.zip');
  const flame = await launch({
    env: { FLAME_E2E_IMPORT_FILE: await siteFile(120), FLAME_E2E_SAVE_FILE: archive },
  });
  const { page } = flame;
  await openTraining(page);
  expect(await seriousFindings(page)).toEqual([]);
  await page.getByRole('button', { name: 'New training …' }).click();
  const dialog = page.getByRole('dialog', { name: 'New training' });
  await expect(dialog.getByRole('row', { name: /^held out for the comparison/ })).toBeVisible();
  expect(await seriousFindings(page)).toEqual([]);
  await dialog.getByText('Train an adapter on another computer instead').click();
  await expect(dialog.getByRole('button', { name: 'Measure an adapter from a folder…' })).toBeEnabled();
  await dialog.getByRole('button', { name: 'Export the training set…' }).click();
  await expect(dialog.getByText(/visits were written to set\.zip\.$/)).toBeVisible();
  expect(readFileSync(archive).subarray(0, 2).toString()).toBe('PK');
  expect(await seriousFindings(page)).toEqual([]);
  await dialog.getByLabel('Name of the model').fill('Ward 3');
  await dialog.getByRole('button', { name: 'Start training' }).click();
  const job = page.getByRole('region', { name: 'Ward 3' });
  await expect(job.getByRole('progressbar')).toBeVisible();
  expect(await trainerPid(flame)).not.toBeNull();
  expect(await seriousFindings(page)).toEqual([]);
  await job.getByRole('button', { name: 'Pause' }).click();
  await expect(job.getByText('paused by you').first()).toBeVisible();
  await job.getByRole('button', { name: 'Go on' }).click();
  await job.getByRole('button', { name: 'Cancel training' }).click();
  await expect(job.getByText('cancelled').first()).toBeVisible();
  await expect.poll(() => trainerPid(flame)).toBeNull();
});

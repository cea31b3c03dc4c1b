/** A text model in the window: installed, refused while unmeasured, used, recommending with the note read, slider, signature. */

import { createWriteStream, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { updateTextMeasurements } from '../../src/flame/text/pack.ts';
import { writeUntrainedText } from '../../src/flame/text/testing.ts';
import { loadKnowledge } from '../../src/knowledge/knowledge.ts';
import { expect, ROOT, temporaryFolder, test } from './app.ts';
import { seriousFindings } from './axe.ts';
import {
  acceptEach,
  listedDrugs,
  loadDemo,
  openVisit,
  patientRows,
  recommend,
  sign,
  slider,
} from './workspace.ts';

async function archive(folder: string): Promise<string> {
  const zip = new ZipFile();
  for (const name of readdirSync(folder)) zip.addFile(join(folder, name), `Ward text/${name}`);
  zip.end();
  const path = `${folder}.zip`;
  await pipeline(zip.outputStream, createWriteStream(path));
  return path;
}

test('a text model is installed, not used unmeasured, and once measured recommends up to the signature', async ({
  launch,
}) => {
  test.setTimeout(180_000);
  const folder = join(temporaryFolder(), 'Ward text');
  mkdirSync(folder);
  await writeUntrainedText(folder, loadKnowledge(join(ROOT, 'resources/knowledge')));
  const model = await archive(folder);
  const flame = await launch({ env: { FLAME_E2E_MODEL: model } });
  const { page } = flame;
  await loadDemo(page);

  const install = async (): Promise<void> => {
    await page.getByRole('button', { name: 'Models', exact: true }).click();
    await page.getByRole('button', { name: 'Install from a zip archive…' }).click();
    await expect(
      page.getByText('is installed. It is not used before you say so.', { exact: false }),
    ).toBeVisible();
  };
  await install();
  await page.getByRole('button', { name: /^Details: Ward text/ }).click();
  await expect(page.getByText('Never measured: how good its lists are is not known.')).toBeVisible();
  await page.getByRole('button', { name: /^Use this model: Ward text/ }).click();
  await expect(
    page.getByText('it was never measured on visits that it did not learn from', { exact: false }),
  ).toBeVisible();
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/text-model-unmeasured.png' });
  await page.getByRole('button', { name: 'Remove…' }).click();
  await page.getByRole('button', { name: 'Remove it' }).click();
  await expect(page.getByRole('button', { name: /^Details: Ward text/ })).toHaveCount(0);

  updateTextMeasurements(folder, {
    metrics: {
      protocol: {
        corpus: 'made-up visits',
        split: 'of this test',
        formularySize: 12,
        interactionTable: 'none',
        severityCut: 2,
      },
      seeds: 1,
      values: { prauc: 0.1 },
    },
  });
  await archive(folder);
  await install();
  await page.getByRole('button', { name: /^Use this model: Ward text/ }).click();
  await expect(page.getByRole('button', { name: /^Go back to flame-namcs/ })).toBeVisible();

  // The list of patients has settled before one is clicked.
  await page.getByRole('searchbox', { name: 'Search patients' }).fill('Grace Okafor');
  await expect(patientRows(page)).toHaveCount(1);
  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await recommend(page);
  await expect(page.getByText('Ward text', { exact: false }).first()).toBeVisible();
  await expect(page.getByText(/The model read the (note|first)/)).toBeVisible();
  const accurate = await listedDrugs(page);
  await slider(page).press('End');
  const safe = await listedDrugs(page);
  await page.screenshot({ path: 'test-results/text-model.png' });
  expect([...accurate, ...safe].length).toBeGreaterThan(0);
  await acceptEach(page);
  await sign(page, 'I will monitor for it');
  await expect(page.getByRole('region', { name: 'Saved decision' })).toContainText('Ward text');
});

/** Another model on the screen: install, take into use, an open visit that says so, go back, and a model that was damaged. */

import { createWriteStream, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { trainTinyPack } from '../../src/flame/testing/tiny-pack.ts';
import { loadKnowledge } from '../../src/knowledge/knowledge.ts';
import { expect, ROOT, temporaryFolder, test } from './app.ts';
import { seriousFindings } from './axe.ts';
import { ask, loadDemo, openVisit, recommend } from './workspace.ts';

/** A small pack as an archive, as a colleague would hand it over. */
async function archiveOfPack(): Promise<string> {
  const folder = join(temporaryFolder(), 'Clinic Nord');
  mkdirSync(folder, { recursive: true });
  await trainTinyPack(folder, loadKnowledge(join(ROOT, 'resources/knowledge')));
  const zip = new ZipFile();
  for (const name of readdirSync(folder)) zip.addFile(join(folder, name), `Clinic Nord/${name}`);
  zip.end();
  const archive = `${folder}.zip`;
  await pipeline(zip.outputStream, createWriteStream(archive));
  return archive;
}

test('a model is installed, used, told on an open visit, gone back from, and told when it is damaged', async ({
  launch,
}) => {
  const archive = await archiveOfPack();
  const profile = join(temporaryFolder(), 'profile');
  const flame = await launch({ profile, env: { FLAME_E2E_MODEL: archive } });
  const { page } = flame;
  await loadDemo(page);
  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await recommend(page);

  await page.getByRole('button', { name: 'Models', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Where models run' })).toBeVisible();
  await page.getByRole('button', { name: 'Install from a zip archive…' }).click();
  await expect(
    page.getByText('is installed. It is not used before you say so.', { exact: false }),
  ).toBeVisible();
  await page.getByRole('button', { name: /^Details: Clinic Nord/ }).click();
  await page.getByRole('button', { name: 'Check the files' }).click();
  await expect(page.getByText('Sound: all 2 files', { exact: false })).toBeVisible();
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/models-page.png' });

  await page.getByRole('button', { name: /^Use this model: Clinic Nord/ }).click();
  await expect(page.getByRole('button', { name: /^Go back to flame-namcs/ })).toBeVisible();
  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await expect(page.getByText('The model in use was changed.')).toBeVisible();
  await page.screenshot({ path: 'test-results/models-other.png' });
  await page.getByRole('button', { name: 'Models', exact: true }).click();
  await page.getByRole('button', { name: /^Go back to flame-namcs/ }).click();
  await expect(page.getByRole('button', { name: /^Use this model: Clinic Nord/ })).toBeVisible();
  await page.getByRole('button', { name: /^Use this model: Clinic Nord/ }).click();
  await expect(page.getByRole('button', { name: /^Go back to flame-namcs/ })).toBeVisible();
  await flame.close();

  const [installed] = readdirSync(join(profile, 'models'));
  const weights = join(profile, 'models', installed!, 'model.safetensors');
  const bytes = readFileSync(weights);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(weights, bytes);
  const again = await launch({ profile });
  await expect(
    again.page.getByText('The model that came with Flame recommends in its place.', { exact: false }),
  ).toBeVisible();
  await again.page.screenshot({ path: 'test-results/models-fallback.png' });
});

test('a model that is dropped on the page is installed, and cards read as text', async ({ launch }) => {
  const archive = await archiveOfPack();
  const { page } = await launch();
  await loadDemo(page);
  await page.getByRole('button', { name: 'Models', exact: true }).click();
  const target = page.getByRole('group', { name: 'Install from a zip archive…' });
  // A file on disk as Chromium holds it: one that a script makes has no path, and is refused.
  await page.evaluate(() => {
    const input = document.createElement('input');
    input.type = 'file';
    input.id = 'handed-in';
    document.body.append(input);
  });
  await page.locator('#handed-in').setInputFiles(archive);
  const dropped = await page.evaluateHandle(() => {
    const input = document.querySelector<HTMLInputElement>('#handed-in')!;
    const data = new DataTransfer();
    data.items.add(input.files![0]!);
    input.remove();
    return data;
  });
  await target.dispatchEvent('dragover', { dataTransfer: dropped });
  await expect(page.getByText('Release to install it.')).toBeVisible();
  await target.dispatchEvent('drop', { dataTransfer: dropped });
  await expect(
    page.getByText('is installed. It is not used before you say so.', { exact: false }),
  ).toBeVisible();
  await expect(page.getByRole('row', { name: /^Clinic Nord/ })).toBeVisible();
  await expect(page.getByText(basename(archive))).toHaveCount(0); // no path and no file name is needed

  await page.getByRole('button', { name: /^Details: flame-namcs/ }).click();
  await page.getByText('Model card', { exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Intended use' })).toBeVisible();
  await expect(page.getByRole('row', { name: /^Jaccard, threshold/ }).first()).toBeVisible();
  await expect(page.getByText('**')).toHaveCount(0);
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/models-card.png' });
});

test('the shell tries the processors in processes of their own, and a person may choose', async ({
  launch,
}) => {
  test.setTimeout(180_000);
  const { page, electron } = await launch();
  await loadDemo(page);
  await page.getByRole('button', { name: 'Models', exact: true }).click();
  await expect(page.getByText('the others were not tested yet', { exact: false })).toBeVisible();
  await page.getByRole('button', { name: 'Test the processors' }).click();
  const probe = () =>
    electron.evaluate(({ app }) => app.getAppMetrics().some(({ name }) => name === 'device test'));
  await expect.poll(probe, { intervals: [20] }).toBe(true);
  await expect(page.getByRole('row', { name: /^CPU same answers/ })).toBeVisible({ timeout: 120_000 });
  await expect(page.getByText('no other gave the same answers', { exact: false })).toBeVisible();
  const { results } = await ask(page, 'devices.list', {});
  expect(results.map(({ provider, outcome }) => [provider, outcome])).toContainEqual(['cpu', 'same']);
  for (const { outcome, reason } of results.slice(1)) {
    expect(['unavailable', 'crashed']).toContain(outcome); // no driver under --disable-gpu; why is told
    expect(reason).not.toBe('');
  }
  await page.getByRole('combobox', { name: 'Processor' }).selectOption('cpu');
  await expect(page.getByText('it was chosen here', { exact: false })).toBeVisible();
  expect(await seriousFindings(page)).toEqual([]);
  await page.screenshot({ path: 'test-results/models-devices.png' });
});

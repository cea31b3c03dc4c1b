/** The graph in real Electron: pins by pointer and keyboard that the slider does not move, zoom, card, large view, pictures. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { expect, temporaryFolder, test } from './app.ts';
import { addDrug, importPicked, openVisit, recommend, slider } from './workspace.ts';

const RECORD = {
  visit: 'graph-1',
  patient: 'graph',
  name: 'Graph Patient',
  date: '2024-05-02',
  age: 68,
  sex: 'M',
  dx_system: 'ICD-10-CM',
  dx: ['I48.91', 'E11.9', 'I10', 'J45.909'],
  current: ['warfarin', 'metformin'],
};
/** A second visit, so that the patient's page is a list to choose from. */
const RECORDS = [RECORD, { ...RECORD, visit: 'graph-2', date: '2024-06-02' }]
  .map((record) => JSON.stringify(record))
  .join('\n');

async function openGraph(page: Page): Promise<Locator> {
  await importPicked(page);
  await page.getByRole('button', { name: 'Done' }).click();
  await openVisit(page, 'Graph Patient', '2 May 2024');
  await page.setViewportSize({ width: 1280, height: 800 });
  await recommend(page);
  await addDrug(page, 'propranolol');
  await addDrug(page, 'naproxen');
  return page.getByRole('group', { name: /^Graph of \d+ drugs/ });
}

const centre = async (mark: Locator): Promise<{ x: number; y: number }> => {
  const { x, y, width, height } = (await mark.locator('.halo').boundingBox())!;
  return { x: x + width / 2, y: y + height / 2 };
};

test('a drug is pinned by dragging and by keyboard, and stays while the slider moves', async ({ launch }) => {
  const file = join(temporaryFolder(), 'visits.jsonl');
  writeFileSync(file, RECORDS);
  const { page, log } = await launch({ env: { FLAME_E2E_IMPORT_FILE: file } });
  const graph = await openGraph(page);
  const warfarin = graph.getByRole('button', { name: /^warfarin/ });
  await page.screenshot({ path: 'test-results/graph-1280.png' });

  const from = await centre(warfarin);
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(from.x + 20, from.y + 30, { steps: 4 });
  await page.mouse.move(from.x + 40, from.y + 60, { steps: 4 });
  await page.mouse.up();
  const put = await centre(warfarin);
  expect(Math.hypot(put.x - from.x, put.y - from.y)).toBeGreaterThan(30);
  await expect(warfarin).toHaveAccessibleName(/pinned/);
  await expect(warfarin).toHaveAttribute('aria-pressed', 'false'); // dragging selects nothing

  await slider(page).focus();
  for (let step = 0; step < 10; step += 1) await page.keyboard.press('ArrowRight');
  await expect.poll(async () => Math.round((await centre(warfarin)).x - put.x)).toBe(0);
  await slider(page).press('Home');

  await page.mouse.move(4, 4);
  await warfarin.focus();
  await page.keyboard.press('p');
  await expect(warfarin).not.toHaveAccessibleName(/pinned/);
  await page.keyboard.press('Shift+ArrowLeft');
  await expect(warfarin).toHaveAccessibleName(/pinned/);

  // What the focus or the pointer is on is told below the picture, and Escape takes it away.
  const card = page.getByRole('tooltip').first();
  await expect(card).toContainText('taken already');
  await expect(card).toContainText('with naproxen');
  await page.screenshot({ path: 'test-results/graph-card.png' });
  await page.keyboard.press('Escape');
  await expect(card).toBeHidden();

  await page.getByRole('button', { name: 'Let go of the pinned drugs' }).click();
  await expect(warfarin).not.toHaveAccessibleName(/pinned/);
  expect(log.join('')).not.toMatch(/Content Security Policy|page error/);
});

test('the graph zooms, opens large, and is saved as a picture that stands alone', async ({ launch }) => {
  const folder = temporaryFolder();
  const file = join(folder, 'visits.jsonl');
  writeFileSync(file, RECORDS);
  const picture = join(folder, 'picture');
  const { page, log } = await launch({
    env: { FLAME_E2E_IMPORT_FILE: file, FLAME_E2E_SAVE_FILE: picture },
  });
  const graph = await openGraph(page);
  const scale = (): Promise<string | null> => graph.locator(':scope > g').getAttribute('transform');

  expect(await scale()).toContain('scale(1)');
  await page.getByRole('button', { name: 'Zoom in' }).click();
  expect(await scale()).toContain('scale(1.4)');
  await page.getByRole('button', { name: 'Show the whole graph' }).click();
  expect(await scale()).toContain('scale(1)');

  await page.getByRole('button', { name: 'Save as a picture, SVG' }).click();
  await expect(page.getByText('Saved as picture.')).toBeVisible();
  const svg = readFileSync(picture, 'utf8');
  expect(svg).toContain('warfarin');
  expect(svg).toContain('Not a medical device');
  expect(svg).not.toContain('Graph Patient');
  await page.getByRole('button', { name: 'Save as a picture, PNG' }).click();
  await expect.poll(() => readFileSync(picture).subarray(1, 4).toString('latin1')).toBe('PNG');
  writeFileSync('test-results/graph-saved.png', readFileSync(picture));
  writeFileSync('test-results/graph-saved.svg', svg);

  await page.getByRole('button', { name: 'Larger graph' }).click();
  const large = page.getByRole('dialog', { name: 'Interactions of the medication list' });
  await expect(large.getByRole('button', { name: /^warfarin/ })).toBeVisible();
  await page.screenshot({ path: 'test-results/graph-large.png' });
  const found = await new AxeBuilder({ page }).setLegacyMode().analyze();
  expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`)).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(large).toBeHidden();

  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 1920, height: 1080 });
  await page.screenshot({ path: 'test-results/graph-1920-dark.png' });
  expect(log.join('')).not.toMatch(/Content Security Policy|page error/);
});

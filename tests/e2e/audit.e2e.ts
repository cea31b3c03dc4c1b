/** The audit log in real Electron: filters, verification, export, and a database file that was changed with other tools. */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import Database from 'better-sqlite3';
import { expect, temporaryFolder, test } from './app.ts';
import { loadDemo, openVisit, recommend } from './workspace.ts';

interface ExportedEntry {
  readonly sequence: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly patient: string;
  readonly content: string;
  readonly previousHash: string;
  readonly hash: string;
}

const log = (page: Page) => page.getByRole('table', { name: 'Audit log' });
const entries = (page: Page) => log(page).locator('tr[data-entry]');

async function openLog(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Audit log' }).click();
  await expect(page.getByRole('heading', { name: 'Audit log' })).toBeVisible();
  await expect(entries(page).first()).toContainText('Opened the audit log');
}

/** Changes the closed database as somebody with its key and another program would. */
function tamper(profile: string, sql: string): void {
  const key = readFileSync(join(profile, 'device.key'), 'utf8').slice(0, 64);
  const raw = new Database(join(profile, 'flame.db'));
  raw.pragma("cipher = 'aegis'");
  raw.key(Buffer.from(`raw:${key}`));
  raw.exec(sql);
  raw.close();
}

test('who saw what is found by filter, verified, exported, and recomputed from the export', async ({
  launch,
}) => {
  test.setTimeout(180_000);
  const file = join(temporaryFolder(), 'log.jsonl');
  const { page } = await launch({ env: { FLAME_E2E_SAVE_FILE: file } });
  await loadDemo(page);
  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await recommend(page);
  await openLog(page);

  await expect(entries(page).filter({ hasText: 'Opened Flame' })).toHaveCount(1);
  await expect(entries(page).filter({ hasText: 'Loaded the demo patients' })).toHaveCount(3);
  const all = await entries(page).count();
  await page.getByLabel('What', { exact: true }).selectOption({ label: 'Recommendations' });
  await expect(entries(page)).toHaveCount(1);
  await expect(entries(page)).toContainText('Asked for a recommendation');
  await expect(entries(page)).toContainText('Grace Okafor, visit of 6 Feb 2024');

  await page.getByLabel('What', { exact: true }).selectOption({ label: 'Everything' });
  await expect(entries(page)).toHaveCount(all);
  await page.getByRole('combobox', { name: 'Patient' }).pressSequentially('okafor');
  await page.getByRole('option', { name: /^Grace Okafor/ }).click();
  const about = entries(page).filter({ hasText: 'Grace Okafor' });
  await expect(entries(page)).toHaveCount(await about.count());
  await expect(entries(page).filter({ hasText: 'Opened the patient' })).not.toHaveCount(0);
  await page.getByLabel('From', { exact: true }).fill('2001-01-01');
  await page.getByLabel('To', { exact: true }).fill('2001-12-31');
  await expect(page.getByText('No entry passes these filters.')).toBeVisible();
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await expect(entries(page)).toHaveCount(all);

  // What is stored unfolds below an entry.
  await page.getByRole('button', { name: /^Entry 1: / }).click();
  await expect(log(page).getByText('app.opened')).toBeVisible();

  await page.getByRole('button', { name: 'Verify the log' }).click();
  await expect(page.getByText('Nothing speaks against the log.')).toBeVisible();

  await page.getByRole('button', { name: 'Export as JSON lines…' }).click();
  await expect(page.getByText(`${all} entries written to log.jsonl.`)).toBeVisible();
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const exported = lines.map((line) => JSON.parse(line) as ExportedEntry);
  expect(exported).toHaveLength(all);
  for (const [
    index,
    { sequence, at, actor, action, subject, content, hash, previousHash },
  ] of exported.entries()) {
    const before = exported[index - 1]?.hash ?? '0'.repeat(64);
    const text = JSON.stringify([before, sequence, at, actor, action, subject, content]);
    expect(previousHash).toBe(before);
    expect(createHash('sha256').update(text).digest('hex')).toBe(hash);
  }
  expect(exported.find(({ action }) => action === 'visit.viewed')?.patient).toBe('Grace Okafor');

  // The export is itself an entry, and the filter finds it.
  await page.getByLabel('What', { exact: true }).selectOption({ label: 'Prints and exports' });
  await expect(entries(page)).toHaveCount(1);
  await expect(entries(page)).toContainText('Exported the audit log');
  await expect(entries(page)).toContainText('log.jsonl');

  await page.getByLabel('What', { exact: true }).selectOption({ label: 'Everything' });
  for (const [width, height] of [
    [1280, 800],
    [1920, 1080],
  ] as const)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `test-results/audit-${width}-${colorScheme}.png` });
    }
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  expect(violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
});

test('a database file that was changed with other tools: the entry is named', async ({ launch }) => {
  test.setTimeout(180_000);
  const profile = join(temporaryFolder(), 'profile');
  const first = await launch({ profile });
  await loadDemo(first.page);
  await openVisit(first.page, 'Grace Okafor', '6 Feb 2024');
  await first.close();

  tamper(
    profile,
    "DROP TRIGGER audit_entries_stay; UPDATE audit_entries SET actor = 'nobody' WHERE sequence = 2",
  );
  const { page } = await launch({ profile });
  await openLog(page);
  await page.getByRole('button', { name: 'Verify the log' }).click();
  await expect(page.getByText('The log does not fit together.')).toBeVisible();
  await expect(page.getByText(/^✕ Entry 2 does not follow from the one before/)).toBeVisible();
  await page.screenshot({ path: 'test-results/audit-tampered.png' });
});

/** Every main screen under axe, light and dark, and the main job with the keyboard alone. */

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from './app.ts';
import {
  acceptEach,
  addDrug,
  listedDrugs,
  loadDemo,
  openVisit,
  recommend,
  sign,
  slider,
} from './workspace.ts';

/** Findings of impact serious or critical, in a line each. */
async function findings(page: Page): Promise<string[]> {
  await page.waitForTimeout(350); // transitions of colours and places have ended
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing serious on the main screens, ${colorScheme}`, async ({ flame }) => {
    test.setTimeout(420_000);
    const { page } = flame;
    await page.emulateMedia({ colorScheme });
    const screens: Record<string, string[]> = {};
    const look = async (screen: string): Promise<void> => {
      screens[screen] = await findings(page);
      await page.screenshot({ path: `test-results/${screen}-${colorScheme}.png` });
    };

    await expect(page.getByRole('button', { name: 'Load the demo patients' })).toBeVisible();
    await look('welcome');
    await loadDemo(page);
    await look('worklist');
    await page.getByRole('button', { name: 'Overview' }).click();
    await expect(page.getByRole('heading', { name: 'Overview' })).toBeVisible();
    await look('overview');
    await page.getByRole('button', { name: 'Audit log' }).click();
    await expect(page.getByRole('table', { name: 'Audit log' })).toBeVisible();
    await look('audit');
    await openVisit(page, 'Grace Okafor', '6 Feb 2024');
    await look('visit');
    await recommend(page);
    await look('recommended');
    await addDrug(page, 'fluconazole');
    await page.getByRole('button', { name: /^fluconazole and warfarin/ }).click();
    await look('details');
    await page.getByRole('combobox', { name: 'Add a drug' }).pressSequentially('sil');
    await expect(page.getByRole('option').first()).toBeVisible();
    await look('search');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Review and sign…' }).click();
    const [undecided = ''] = await listedDrugs(page);
    await page.getByRole('button', { name: `Modify ${undecided}` }).click();
    await look('modify');
    await page.getByRole('textbox', { name: `Dose of ${undecided}` }).fill('5 mg');
    await page.getByRole('button', { name: 'Accept with this use' }).click();
    const [, rejected = ''] = await listedDrugs(page);
    await page.getByRole('button', { name: `Reject ${rejected}`, exact: true }).click();
    await acceptEach(page);
    await page.getByRole('button', { name: 'Review and sign…' }).click();
    await look('review');
    await page.keyboard.press('Escape');
    await sign(page, 'Dose or timing adjusted');
    await look('decision');
    await page.getByRole('button', { name: 'Amend…' }).click();
    await look('amend');
    await page.getByRole('button', { name: 'Leave the amendment' }).click();
    await page.getByRole('button', { name: 'Model and sources' }).click();
    await look('about');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Settings' }).click();
    await look('settings');
    expect(Object.entries(screens).filter(([, found]) => found.length > 0)).toEqual([]);
  });
}

test('the main job with the keyboard alone', async ({ flame }) => {
  const { page } = flame;
  const press = (key: string): Promise<void> => page.keyboard.press(key);
  const focused = page.locator(':focus');
  /** Tabs until the focus stands on what is named; fails after a round of the window. */
  const tabTo = async (name: RegExp): Promise<void> => {
    for (let step = 0; step < 120; step++) {
      await press('Tab');
      const label = await focused.evaluate(
        (element) =>
          element.getAttribute('aria-label') ??
          (element instanceof HTMLInputElement
            ? (element.labels?.[0]?.textContent ?? '')
            : element.textContent),
      );
      if (name.test(label.trim())) return;
    }
    throw new Error(`Tab never reaches ${String(name)}`);
  };

  await expect(page.getByRole('button', { name: 'Load the demo patients' })).toBeVisible();
  await tabTo(/^Load the demo patients/);
  await press('Enter');
  await expect(page.getByRole('button', { name: 'Done' })).toBeVisible();
  await tabTo(/^Done/);
  await press('Enter');

  await tabTo(/^Search patients/);
  await page.keyboard.type('Okafor');
  await expect(page.getByRole('status').filter({ hasText: '1 patient' })).toBeVisible();
  await press('ArrowDown');
  await expect(focused).toContainText('Grace Okafor');
  await press('Enter');
  await expect(page.getByRole('button', { name: '6 Feb 2024', exact: true })).toBeVisible();
  await tabTo(/^6 Feb 2024$/);
  await press('Enter');
  await expect(page.getByRole('button', { name: 'Recommend medications' })).toBeVisible();
  await tabTo(/^Recommend medications/);
  await press('Enter');

  await expect(slider(page)).toBeVisible();
  await tabTo(/^Accuracy against safety/);
  await press('End');
  await expect(slider(page)).toHaveAttribute('aria-valuetext', /safest: \d+ drugs?, 0 pairs/);
  await press('Home');

  await tabTo(/^Add a drug/);
  await page.keyboard.type('ibuprofen');
  await expect(page.getByRole('option', { name: /^ibuprofen/ }).first()).toBeVisible();
  await press('ArrowDown');
  await press('ArrowUp');
  await press('Enter');
  await expect.poll(() => listedDrugs(page)).toContain('ibuprofen');

  await tabTo(/, (proposed|taken already|added by you)/); // into the graph: one stop, then arrow keys
  await press('ArrowLeft');
  await expect(focused).toHaveAttribute('aria-label', /^.+ and .+: /);
  await press('Enter');
  await expect(page.getByRole('region', { name: 'Details of the interaction' })).toBeVisible();

  // A letter is a word on the drug that has the focus, and leads to the next one without a word.
  const undecided = page.locator('[data-verdict="undecided"]');
  await tabTo(/^Review and sign/);
  await press('Enter');
  for (let left = await undecided.count(); left > 0; left--) {
    await expect(undecided.first().locator('button.drug')).toBeFocused();
    await press('a');
    await expect(undecided).toHaveCount(left - 1);
  }
  await tabTo(/^Review and sign/);
  await press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Review and sign the decision' });
  await expect(dialog).toBeVisible();
  await expect(dialog.getByRole('status')).not.toContainText('have not answered');
  for (const reason of await dialog.getByRole('combobox', { name: /^Reason/ }).all()) {
    await reason.focus();
    await page.keyboard.type('I will');
  }
  await tabTo(/^Name$/);
  await page.keyboard.type('Ada Example');
  await tabTo(/^Sign the decision/);
  await press('Enter');
  await expect(page.getByRole('region', { name: 'Saved decision' })).toContainText('ibuprofen');
});

/** Clinic habits in real Electron: a decision moves the next patient's recommendation, says so, and can be switched off. */

import type { Page } from '@playwright/test';
import { expect, test } from './app.ts';
import { addDrug, listedDrugs, loadDemo, openVisit, recommend, sign } from './workspace.ts';

/** What stands on the list, in the order and with the probabilities shown. */
const rows = (page: Page): Promise<string[]> =>
  page.getByRole('list', { name: 'Drugs on the list' }).locator(':scope > li').allInnerTexts();

test('a decision moves the next recommendation, and switched off it does not', async ({ launch }) => {
  const first = await launch();
  const { page } = first;
  const habits = page.getByRole('checkbox', { name: 'Learn from this clinic’s decisions' });
  await loadDemo(page);
  await openVisit(page, 'Thomas Keller', '30 Jan 2024');
  await recommend(page);
  await expect(habits).toBeChecked();
  await expect(page.getByText('No decisions of this clinic yet.')).toBeVisible();
  const plain = await rows(page);

  await openVisit(page, 'Grace Okafor', '6 Feb 2024');
  await recommend(page);
  for (const drug of await listedDrugs(page))
    await page.getByRole('button', { name: `Reject ${drug}`, exact: true }).click();
  await addDrug(page, 'acetaminophen');
  await sign(page, 'I will monitor for it');
  await first.close();

  const second = await launch({ profile: first.profile });
  const again = second.page;
  const choice = again.getByRole('checkbox', { name: 'Learn from this clinic’s decisions' });
  await openVisit(again, 'Thomas Keller', '30 Jan 2024');
  await recommend(again);
  await expect(again.getByText('Adjusted by 1 decision of this clinic.')).toBeVisible();
  await addDrug(again, 'acetaminophen');
  await expect(
    again.getByText(/^Prescribed here about \d\.\d times as often as expected/).first(),
  ).toBeVisible();
  await again.getByRole('button', { name: 'Remove acetaminophen', exact: true }).click();
  await again.screenshot({ path: 'test-results/habits.png' });

  await choice.focus();
  await again.keyboard.press('Space');
  await expect(again.getByText('Not adjusted; 1 decision of this clinic set aside.')).toBeVisible();
  await expect(choice).toBeFocused();
  await again.getByRole('button', { name: 'Discard' }).click();
  await recommend(again);
  expect(await rows(again)).toEqual(plain);
  await second.close();
});

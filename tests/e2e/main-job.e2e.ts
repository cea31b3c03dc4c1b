/** The main job in real Electron: demo visit, recommendation, slider, edit, override, save, and the same decision after a restart. */

import type { Page } from '@playwright/test';
import { expect, killEngine, test } from './app.ts';
import {
  acceptEach,
  addDrug,
  giveReasons,
  listedDrugs,
  loadDemo,
  openVisit,
  pairsOnScreen,
  patientRows,
  recommend,
  sign,
  slider,
} from './workspace.ts';

const PATIENT = 'Grace Okafor';
const VISIT = '6 Feb 2024';

async function savedDecision(page: Page): Promise<{ drugs: string[]; text: string }> {
  const decision = page.getByRole('region', { name: 'Saved decision' });
  await expect(decision).toBeVisible();
  const drugs = await decision
    .getByRole('list', { name: 'Drugs decided' })
    .getByRole('strong')
    .allInnerTexts();
  return { drugs, text: await decision.innerText() };
}

test('a demo visit from the first start to a decision that outlives a restart', async ({ launch }) => {
  const first = await launch();
  const { page } = first;

  await expect(page.getByRole('heading', { name: 'Welcome to Flame' })).toBeVisible();
  await expect(page.getByText('ODbL-1.0')).toBeVisible(); // licences stand there before anything is loaded
  await expect(patientRows(page)).toHaveCount(0);
  await loadDemo(page);
  await expect(patientRows(page).first().getByText('DEMO')).toBeVisible();

  await openVisit(page, PATIENT, VISIT);
  await expect(page.getByText('Allergies penicillin')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Current medications' })).toBeVisible();
  await recommend(page);
  await expect(page.getByRole('img', { name: /Measured front/ })).toBeVisible();
  await page.getByText(/^In use: agreement/).click();
  await expect(page.getByText(/^Measured on NAMCS/)).toBeVisible();

  // The slider: graph and table agree at every position, and the counted pairs never rise toward safety.
  const positions = Number(await slider(page).getAttribute('max'));
  expect(positions).toBeGreaterThan(1);
  let counted = Infinity;
  for (let position = 0; position <= positions; position++) {
    await slider(page).fill(String(position));
    const { graph, table } = await pairsOnScreen(page);
    expect(graph).toEqual(table);
    const now = table.filter((pair) => Number(pair.at(-1)) >= 2).length;
    expect(now).toBeLessThanOrEqual(counted);
    await expect(slider(page)).toHaveAttribute('aria-valuetext', new RegExp(`: \\d+ drugs?, ${now} pairs? `));
    counted = now;
  }
  await slider(page).fill('0');

  // An edit outranks the slider.
  await addDrug(page, 'fluconazole');
  const [kept] = await listedDrugs(page);
  await page.getByRole('button', { name: `Accept ${kept ?? ''}`, exact: true }).click();
  await slider(page).fill(String(positions));
  expect(await listedDrugs(page)).toEqual(expect.arrayContaining(['fluconazole', kept]));
  await page.screenshot({ path: 'test-results/recommendation.png' });

  // The severe pair is drawn, listed, explained, and needs its reason.
  const { graph, table } = await pairsOnScreen(page);
  expect(graph).toEqual(table);
  expect(table).toContain('fluconazole + warfarin at 3');
  await page.getByRole('button', { name: /^fluconazole and warfarin: avoid combination/ }).press('Enter');
  await expect(page.getByRole('region', { name: 'Details of the interaction' })).toContainText('Management');

  // Signing leads to the first drug without a word instead.
  await page.getByRole('button', { name: 'Review and sign…' }).click();
  await expect(page.getByText(/waits? for your word/)).toBeVisible();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await acceptEach(page);
  await page.getByRole('button', { name: 'Review and sign…' }).click();
  const save = page.getByRole('button', { name: 'Sign the decision' });
  await expect(save).toBeDisabled();
  await page.getByRole('textbox', { name: 'Name' }).fill('Ada Example');
  await expect(save).toBeDisabled();
  await giveReasons(page, 'I will monitor for it');
  await page.getByRole('textbox', { name: 'Comment' }).fill('INR in three days.');
  await page.screenshot({ path: 'test-results/save.png' });
  await save.click();
  const before = await savedDecision(page);
  expect(before.drugs).toContain('fluconazole');
  expect(before.text).toContain('I will monitor for it');
  await page.screenshot({ path: 'test-results/saved.png' });
  expect(first.log.filter((line) => /page error|Content Security Policy|Trusted Type/i.test(line))).toEqual(
    [],
  );
  await first.close();

  const second = await launch({ profile: first.profile });
  await openVisit(second.page, PATIENT, VISIT);
  expect(await savedDecision(second.page)).toEqual(before);
  await expect(patientRows(second.page).getByText('✓ decided')).toBeVisible();
});

test('the engine dies while a list is edited: it is said, edits stay, and the save works after', async ({
  flame,
}) => {
  const { page } = flame;
  await loadDemo(page);
  await openVisit(page, PATIENT, VISIT);
  await recommend(page);
  const [removed] = await listedDrugs(page);
  await page.getByRole('button', { name: `Reject ${removed ?? ''}`, exact: true }).click();
  const edited = await listedDrugs(page);

  await page.evaluate(() => {
    const said = window as unknown as { said: string[] };
    said.said = [];
    const notices = document.querySelector('[aria-live="polite"]');
    if (notices)
      new MutationObserver(() => said.said.push(notices.textContent)).observe(notices, {
        childList: true,
        subtree: true,
        characterData: true,
      });
  });
  await killEngine(flame);
  await expect
    .poll(() => page.evaluate(() => (window as unknown as { said: string[] }).said.join(' ')))
    .toContain('The engine is being restarted');
  await expect(page.getByText('The engine is being restarted')).toBeHidden();
  expect(await listedDrugs(page)).toEqual(edited);

  await acceptEach(page);
  await sign(page, 'Benefit outweighs the risk');
  expect((await savedDecision(page)).drugs).toEqual(edited);
});

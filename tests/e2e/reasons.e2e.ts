/** Reasons and alternatives in the window, by keyboard, on demo patients. */

import { expect, test } from './app.ts';
import { loadDemo, openVisit, recommend } from './workspace.ts';

test('reasons open with the keyboard and name the diagnosis that raised the drug', async ({ flame }) => {
  const { page } = flame;
  await loadDemo(page);
  await openVisit(page, 'Li Wei Chen', '29 Aug 2023');
  await recommend(page);
  await page.getByLabel('Why metformin?').first().focus();
  await page.keyboard.press('Enter');
  const reasons = page.getByRole('region', { name: 'Reasons for metformin' });
  const raised = reasons.getByRole('list', { name: 'Raised by' });
  await expect(raised).toBeVisible();
  const [diabetes] = await raised.getByRole('listitem').allInnerTexts();
  expect(diabetes).toMatch(
    /^Type 2 diabetes mellitus without complications \(diagnosis\)\s+\+\d+(\.\d)? points/,
  );
  await expect(reasons).toContainText('Type 2 Diabetes Mellitus, as the visit has');
  await expect(reasons).toContainText('Often prescribed with');
  await expect(reasons.getByText(/^(Added here|Proposed here)/)).toBeVisible();
  await page.screenshot({ path: 'test-results/reasons.png' });
});

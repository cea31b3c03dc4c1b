/** The on-site service in the real app: nothing listens until it is switched on, then a real request is answered. */

import { get } from 'node:http';
import { createServer } from 'node:net';
import { expect, test } from './app.ts';
import { seriousFindings } from './axe.ts';
import { loadDemo } from './workspace.ts';

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('off, nothing listens; on, a request with the token is answered and one without is not', async ({
  launch,
}) => {
  test.setTimeout(120_000);
  const port = await freePort();
  const address = `http://127.0.0.1:${port}/cds-services`;
  const ask = (token: string): Promise<number> =>
    new Promise((resolve) => {
      const asked = get(
        address,
        { agent: false, headers: { Authorization: `Bearer ${token}` } },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      asked.on('error', () => resolve(0));
    });
  const flame = await launch();
  const { page } = flame;
  await page.setViewportSize({ width: 1280, height: 800 });
  await loadDemo(page);
  await page.getByRole('button', { name: 'Data', exact: true }).click();
  const section = page.getByRole('region', { name: 'Service for the record system on this computer' });
  await expect(section.getByText('Off: nothing listens.')).toBeVisible();
  expect(await ask('x')).toBe(0);
  const on = section.getByRole('button', { name: 'Switch on' });
  await expect(on).toBeDisabled();
  await section.getByRole('button', { name: 'Make a token' }).click();
  const token = (await section.locator('code').textContent()) ?? '';
  await section.getByLabel('Port').fill(String(port));
  await on.click();
  await expect(section.getByText(`On: it answers at ${address}`)).toBeVisible();
  await section.scrollIntoViewIfNeeded();
  await page.screenshot({ path: 'test-results/hooks-on.png' });
  expect(await seriousFindings(page)).toEqual([]);
  expect(await ask('x')).toBe(401);
  expect(await ask(token)).toBe(200);
  await section.getByRole('button', { name: 'I have noted it down' }).click();
  await expect(section.locator('code')).toHaveCount(0);
  await section.getByRole('button', { name: 'Switch off' }).click();
  await expect(section.getByText('Off: nothing listens.')).toBeVisible();
  expect(await ask(token)).toBe(0);
  await flame.close();
});

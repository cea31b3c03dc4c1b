/** The on-site service in the real app: nothing listens until it is switched on, then a real request is answered. */

import { get, request } from 'node:http';
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
  const tell = (path: string, token: string, body: object): Promise<{ cards: { uuid: string }[] }> =>
    new Promise((resolve, reject) => {
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
      const asked = request(`${address}/${path}`, { method: 'POST', agent: false, headers }, (response) => {
        response.setEncoding('utf8');
        let text = '';
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve(JSON.parse(text) as { cards: { uuid: string }[] }));
      });
      asked.on('error', reject);
      asked.end(JSON.stringify(body));
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
  const warfarin = { medicationCodeableConcept: { text: 'warfarin' }, subject: { reference: 'Patient/p' } };
  const order = (text: string) => ({
    resource: {
      resourceType: 'MedicationRequest',
      status: 'draft',
      intent: 'order',
      medicationCodeableConcept: { text },
    },
  });
  const { cards } = await tell('flame-order-select', token, {
    hook: 'order-select',
    hookInstance: 'one',
    context: { patientId: 'p', draftOrders: { entry: [order('fluconazole'), order('ibuprofen')] } },
    prefetch: {
      patient: { resourceType: 'Patient', id: 'p', gender: 'female', birthDate: '1950-01-01' },
      taken: { resourceType: 'MedicationStatement', id: 'm', status: 'active', ...warfarin },
    },
  });
  await page.getByRole('button', { name: 'Overview', exact: true }).click();
  const figure = page.getByRole('figure', { name: 'Cards in the record system' });
  await expect(figure.getByText(`Cards sent: ${cards.length}, in answers: 1.`)).toBeVisible();
  await expect(figure.getByText('what became of these cards is not known here')).toBeVisible();
  const overridden = (card: { uuid: string }, code: string) => ({
    card: card.uuid,
    outcome: 'overridden',
    overrideReason: { reason: { code } },
  });
  await tell('flame-order-select/feedback', token, {
    feedback: [
      overridden(cards[0]!, 'will-monitor'),
      overridden(cards[1]!, 'their-own'),
      { card: cards[2]!.uuid, outcome: 'accepted' },
    ],
  });
  await page.getByLabel('Demo patients instead of your own').check();
  await expect(figure.getByText('Reported as accepted: 1, as overridden: 2.')).toBeVisible();
  await expect(page.getByRole('figure', { name: 'Why cards were overridden' })).toContainText('own');
  await figure.scrollIntoViewIfNeeded();
  await page.screenshot({ path: 'test-results/hooks-overview.png' });
  expect(await seriousFindings(page)).toEqual([]);
  await page.getByRole('button', { name: 'Data', exact: true }).click();
  await section.getByRole('button', { name: 'Switch off' }).click();
  await expect(section.getByText('Off: nothing listens.')).toBeVisible();
  expect(await ask(token)).toBe(0);
  await flame.close();
});

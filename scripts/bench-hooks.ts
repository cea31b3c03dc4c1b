/** Times CDS Hooks answers over real HTTP on loopback, on visits of 2005: `npm run bench:hooks [-- <questions>]`. */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { HookService } from '../src/engine/hooks/hook-service.ts';
import { hashOfToken } from '../src/engine/hooks/loopback.ts';
import { saveHookSettings } from '../src/engine/store/hooks.ts';
import { Workspace } from '../src/engine/workspace.ts';

const questions = Number(process.argv[2] ?? 400);
const root = resolve(import.meta.dirname, '..');
const PORT = 18_455;

interface Line {
  readonly year: number;
  readonly age: number;
  readonly sex: string;
  readonly dx_system: string;
  readonly dx: readonly string[];
  readonly drugs: readonly string[];
}

const lines = gunzipSync(readFileSync(join(root, 'data/visits/namcs-1995-2009.jsonl.gz')))
  .toString()
  .split('\n');
const visits = lines
  .filter((line) => line.includes('"year": 2005') || line.includes('"year":2005'))
  .slice(0, 20_000)
  .map((line) => JSON.parse(line) as Line)
  .filter(({ dx, drugs }) => dx.length > 0 && drugs.length >= 3)
  .slice(0, questions);

function question(visit: Line, index: number): { hook: string; body: string } {
  const subject = { reference: 'Patient/p' };
  const system =
    visit.dx_system === 'ICD-10-CM'
      ? 'http://hl7.org/fhir/sid/icd-10-cm'
      : 'http://hl7.org/fhir/sid/icd-9-cm';
  const hook = index % 2 === 0 ? 'patient-view' : 'order-select';
  const entries = (resources: object[]) => ({
    resourceType: 'Bundle',
    entry: resources.map((resource) => ({ resource })),
  });
  const [first, ...rest] = visit.drugs;
  const drug = (text: string) => ({ medicationCodeableConcept: { text }, subject });
  const body = {
    hook,
    hookInstance: `h${index}`,
    context: {
      patientId: 'p',
      draftOrders: entries([
        { resourceType: 'MedicationRequest', status: 'draft', intent: 'order', ...drug(first!) },
      ]),
    },
    prefetch: {
      patient: {
        resourceType: 'Patient',
        id: 'p',
        gender: visit.sex === 'F' ? 'female' : 'male',
        birthDate: String(new Date().getFullYear() - visit.age),
      },
      conditions: entries(
        visit.dx.map((code) => ({
          resourceType: 'Condition',
          subject,
          code: { coding: [{ system, code }] },
        })),
      ),
      medications: entries(
        rest.map((text) => ({ resourceType: 'MedicationStatement', status: 'active', ...drug(text) })),
      ),
    },
  };
  return { hook, body: JSON.stringify(body) };
}

function ask(hook: string, body: string, token: string): Promise<{ status: number; milliseconds: number }> {
  const started = performance.now();
  return new Promise((resolveAsk, reject) => {
    const headers = {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
    };
    const asked = request(
      { host: '127.0.0.1', port: PORT, method: 'POST', path: `/cds-services/flame-${hook}`, headers },
      (response) => {
        response.resume();
        response.on('end', () =>
          resolveAsk({ status: response.statusCode ?? 0, milliseconds: performance.now() - started }),
        );
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

const folder = mkdtempSync(join(tmpdir(), 'flame-bench-hooks-'));
const workspace = await Workspace.open({
  profile: join(folder, 'profile'),
  resources: join(root, 'resources'),
  models: join(root, 'models'),
  sqliteBinding: null,
  appVersion: 'bench',
});
const token = randomBytes(32).toString('base64url');
saveHookSettings(workspace.db, { enabled: true, port: PORT, tokenHash: hashOfToken(token) });
const service = new HookService(workspace, () => ({ look: () => null }));
await service.settle();
try {
  const times: Record<string, number[]> = { 'patient-view': [], 'order-select': [] };
  for (const [index, visit] of visits.entries()) {
    const { hook, body } = question(visit, index);
    const { status, milliseconds } = await ask(hook, body, token);
    if (status !== 200) throw new Error(`question ${index} was answered with ${status}`);
    if (index >= 20) times[hook]!.push(milliseconds); // the first ones read tables and warm the model
    await new Promise((wait) => setTimeout(wait, Math.max(0, 55 - milliseconds))); // below the rate limit
  }
  console.log(`${cpus()[0]?.model ?? ''}, ${cpus().length} cores, load average ${loadavg()[0]!.toFixed(1)}`);
  for (const [hook, list] of Object.entries(times)) {
    list.sort((a, b) => a - b);
    const at = (share: number): string =>
      list[Math.min(list.length - 1, Math.floor(share * list.length))]!.toFixed(1);
    console.log(
      `${hook}: ${list.length} answers, median ${at(0.5)} ms, p95 ${at(0.95)} ms, slowest ${at(1)} ms`,
    );
  }
} finally {
  await service.close();
  await workspace.close();
  rmSync(folder, { recursive: true, force: true });
}

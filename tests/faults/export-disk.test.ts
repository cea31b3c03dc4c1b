/** Exports that break off: a disk that is full while the file is written, and a cancellation; no half of a file is left. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exportRecords } from '../../src/engine/exports/export-records.ts';
import type { Profile } from '../../src/engine/profile.ts';
import { listAudit } from '../../src/engine/store/audit.ts';
import { noTitles, samplePatient, sampleVisit, withStore } from '../../src/engine/store/testing.ts';
import { insertVisits, type NewVisit } from '../../src/engine/store/visits.ts';
import { shippedKnowledge } from '../../src/knowledge/fixture.ts';
import { EXPORT_FORMAT_NAMES, type ExportFormat } from '../../src/shared/export-api.ts';

const PATIENTS = 400;

function fill({ db }: Profile): void {
  const visits = Array.from({ length: PATIENTS }, (): NewVisit => {
    const patient = samplePatient();
    return { visit: sampleVisit(patient.id, { notes: 'x'.repeat(4000) }), newPatient: patient, demo: false };
  });
  insertVisits(db, visits, noTitles);
}

function write(
  { db, key }: Profile,
  path: string,
  format: ExportFormat,
  abort?: AbortController,
): Promise<unknown> {
  const all = { from: null, to: null, demo: false, patientId: null, passphrase: null };
  return exportRecords(
    path,
    { format, ...all },
    {
      db,
      key,
      knowledge: shippedKnowledge(),
      actor: 'tester',
      ...(abort ? { signal: abort.signal, onProgress: () => abort.abort() } : {}),
    },
  );
}

test('a disk that is full: a code, the file of before, no draft, nothing in the log, and room makes it work', async (context) => {
  await withStore(async (profile) => {
    fill(profile);
    const disk = join(profile.folder, '..', 'disk');
    mkdirSync(disk);
    const mount = (...options: string[]): boolean =>
      process.platform === 'linux' &&
      spawnSync('mount', ['-t', 'tmpfs', '-o', ...options, 'tmpfs', disk]).status === 0;
    if (!mount('size=1m')) {
      context.skip('no small disk could be mounted here');
      return;
    }
    try {
      const path = join(disk, 'out.json');
      writeFileSync(path, 'before');
      for (const format of ['fhir-bundle', 'json', 'csv-visits'] as const)
        await expect(write(profile, path, format)).rejects.toMatchObject({ code: 'FILE_NOT_WRITABLE' });
      expect(readFileSync(path, 'utf8')).toBe('before');
      expect(readdirSync(disk)).toEqual(['out.json']);
      expect(listAudit(profile.db, 'records')).toEqual([]);
      expect(mount('remount,size=20m')).toBe(true);
      expect(await write(profile, path, 'json')).toMatchObject({ visits: PATIENTS });
      expect(readFileSync(path, 'utf8').trim().split('\n')).toHaveLength(PATIENTS);
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});

test('cancelled midway, in any format: the file of before, no draft, nothing in the log', async () => {
  await withStore(async (profile) => {
    fill(profile);
    const folder = join(profile.folder, '..', 'place');
    mkdirSync(folder);
    const path = join(folder, 'out');
    writeFileSync(path, 'before');
    for (const format of EXPORT_FORMAT_NAMES)
      await expect(write(profile, path, format, new AbortController())).rejects.toMatchObject({
        code: 'CANCELLED',
      });
    expect(readFileSync(path, 'utf8')).toBe('before');
    expect(readdirSync(folder)).toEqual(['out']);
    expect(listAudit(profile.db, 'records')).toEqual([]);
  });
});

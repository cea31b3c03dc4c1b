import { existsSync, statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { insertPatient, countPatients } from './patients.ts';
import { samplePatient, withStore } from './testing.ts';

test('a reading call refuses a statement that writes', async () => {
  await withStore(({ db }) => {
    insertPatient(db, samplePatient());
    expect(() => db.get('DELETE FROM patients RETURNING id')).toThrow(/writes/);
    expect(() => db.all("UPDATE patients SET name = 'x'")).toThrow(/writes/);
    expect(countPatients(db)).toBe(1);
  });
});

test('a transaction that fails leaves nothing behind, and one inside another joins it', async () => {
  await withStore(({ db }) => {
    const failing = (): void =>
      db.transaction(() => {
        insertPatient(db, samplePatient());
        db.transaction(() => insertPatient(db, samplePatient()));
        throw new Error('stop');
      });
    expect(failing).toThrow('stop');
    expect(countPatients(db)).toBe(0);
    db.transaction(() => {
      insertPatient(db, samplePatient());
      db.transaction(() => insertPatient(db, samplePatient()));
    });
    expect(countPatients(db)).toBe(2);
  });
});

test('the connection has the settings that durability and secrecy rest on', async () => {
  await withStore(({ db }) => {
    expect(existsSync(`${db.file}-wal`)).toBe(true);
    expect(existsSync(`${db.file}-shm`)).toBe(false);
    for (const file of [db.file, `${db.file}-wal`]) expect(statSync(file).mode & 0o777).toBe(0o600);
    const setting = (name: string): unknown =>
      Object.values(db.get<Record<string, unknown>>(`PRAGMA ${name}`)!)[0];
    expect(setting('cipher')).toBe('aegis');
    expect(setting('synchronous')).toBe(2);
    expect(setting('foreign_keys')).toBe(1);
    expect(setting('temp_store')).toBe(2);
    expect(setting('trusted_schema')).toBe(0);
  });
});

/**
 * A working day in real Electron (import, typing, a draft, a signed decision, an encrypted export, crashes), after which
 * every file below the profile, the temporary folder and the user's home is searched for what was entered.
 */

import { lstatSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { enginePid, expect, killEngine, temporaryFolder, test } from './app.ts';
import { processTree } from './sockets.ts';
import { acceptEach, patientRows, recommend, sign } from './workspace.ts';

/** Words that stand nowhere in Flame or Chromium; the brand and the code are real ones, and rare. */
const PLANTED = {
  importedName: 'Quixotesson',
  importedNumber: 'MRN-PLANTED-17',
  importedNote: 'rattlewhistle',
  importedAllergy: 'plantedallergy',
  unknownDrug: 'zyxomycin',
  typedName: 'Brambleworth',
  typedNote: 'moonlitferry',
  draftName: 'Halfwrittenham',
  brand: 'Zaroxolyn',
  code: 'S72.351C',
  bareCode: 'S72351C',
  signedBy: 'Ottilie Signatory',
  passphrase: 'nineteen copper ladles',
} as const;

/** Every file below a folder; sockets, pipes and links hold no content of their own. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isFile() === true);
}

/** What the processes hold open on a disk under no name any more; what lies in memory only is not on one. */
function unnamedFiles(pids: readonly number[]): string[] {
  return pids.flatMap((pid) => {
    try {
      return readdirSync(`/proc/${pid}/fd`)
        .map((descriptor) => `/proc/${pid}/fd/${descriptor}`)
        .filter((path) => /^\/(?!memfd:|dev\/|i915).* \(deleted\)$/.test(readlinkSync(path)));
    } catch {
      return []; // It has ended.
    }
  });
}

function wordsIn(content: Buffer): string[] {
  return Object.entries(PLANTED)
    .filter(([, word]) =>
      [word, word.toLowerCase(), word.toUpperCase()].some((form) =>
        (['utf8', 'utf16le'] as const).some((encoding) => content.includes(Buffer.from(form, encoding))),
      ),
    )
    .map(([what]) => what);
}

test('after a working day nothing that was entered stands in clear on the disk', async ({ launch }) => {
  test.setTimeout(240_000);
  const outside = temporaryFolder();
  const around = temporaryFolder();
  const folders = Object.fromEntries(
    ['tmp', 'home', 'config', 'cache', 'data', 'exported'].map((name) => [name, join(around, name)]),
  );
  for (const folder of Object.values(folders)) mkdirSync(folder);
  const visits = join(outside, 'visits.jsonl');
  const record = {
    visit: PLANTED.importedNumber, patient: PLANTED.importedNumber, name: `Ada ${PLANTED.importedName}`, year: 2020,
    age: 50, sex: 'F', dx_system: 'ICD-10-CM', dx: [PLANTED.bareCode], drugs: [PLANTED.brand, PLANTED.unknownDrug],
    notes: PLANTED.importedNote, allergies: [PLANTED.importedAllergy],
  }; // prettier-ignore
  writeFileSync(visits, JSON.stringify(record));
  const flame = await launch({
    profile: join(around, 'profile'),
    env: {
      FLAME_E2E_IMPORT_FILE: visits,
      FLAME_E2E_SAVE_FILE: join(folders['exported']!, 'records.json.age'),
      TMPDIR: folders['tmp']!,
      HOME: folders['home']!,
      XDG_CONFIG_HOME: folders['config']!,
      XDG_CACHE_HOME: folders['cache']!,
      XDG_DATA_HOME: folders['data']!,
    },
  });
  const { page, electron } = flame;
  const shell = electron.process().pid!;
  const seen = new Set<string>();
  const findings = (): Record<string, string[]> => {
    const unnamed = process.platform === 'linux' ? unnamedFiles(processTree(shell)) : [];
    const found: Record<string, string[]> = {};
    for (const path of [...filesBelow(around), ...unnamed]) {
      const name = relative(around, path);
      seen.add(name);
      let content: Buffer;
      try {
        content = readFileSync(path);
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') continue; // removed meanwhile
        throw thrown;
      }
      const words = [...wordsIn(Buffer.from(name)), ...wordsIn(content)];
      if (words.length > 0) found[name] = words;
    }
    return found;
  };
  // The search finds what there is to find.
  expect(wordsIn(readFileSync(visits))).toHaveLength(7);

  await page.getByRole('button', { name: 'Choose a file…' }).click();
  await expect(page.getByRole('dialog', { name: 'Import: visits.jsonl' })).toContainText('1 visit of 1 new');
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('searchbox', { name: 'Search patients' }).fill(PLANTED.importedName);
  await patientRows(page).getByRole('button').click();
  await expect(page.getByText(PLANTED.importedNote)).toBeVisible();

  await page.getByRole('button', { name: 'New patient' }).click();
  await page.getByRole('textbox', { name: /^Name/ }).fill(`Tom ${PLANTED.typedName}`);
  await page.getByRole('textbox', { name: /^Birth year/ }).fill('1953');
  await page.getByRole('button', { name: 'Save the patient' }).click();
  await page.getByRole('button', { name: 'New visit' }).click();
  for (const [label, typed, option] of [
    ['Add a diagnosis', PLANTED.code, /Displaced comminuted fracture of shaft/],
    ['Add a current medication', PLANTED.brand, /metolazone/i],
  ] as const) {
    await page.getByRole('combobox', { name: label }).pressSequentially(typed);
    await page.getByRole('option', { name: option }).first().click();
  }
  await page.getByRole('textbox', { name: /^Notes/ }).fill(`Seen at home, ${PLANTED.typedNote}.`);
  await page.getByRole('button', { name: 'Save the visit' }).click();
  await recommend(page);
  await acceptEach(page);
  await sign(page, 'I will monitor for it', PLANTED.signedBy);
  await page.getByRole('button', { name: 'New patient' }).click();
  await page.getByRole('textbox', { name: /^Name/ }).fill(PLANTED.draftName);
  await expect(page.getByText(/^Draft stored/)).toBeVisible();

  await page.getByRole('button', { name: 'Data', exact: true }).click();
  const section = page.getByRole('region', { name: 'Export records' });
  await section.getByLabel(/^Passphrase/).fill(PLANTED.passphrase);
  await section.getByLabel('Once more').fill(PLANTED.passphrase);
  await section.getByRole('button', { name: 'Choose a place and export…' }).click();
  await expect(section.getByText('records.json.age is written, encrypted.')).toBeVisible({ timeout: 60_000 });
  expect(findings()).toEqual({});

  const engine = await killEngine(flame);
  await expect.poll(() => enginePid(flame)).not.toBe(engine);
  await expect.poll(() => enginePid(flame)).not.toBeNull();
  expect(findings()).toEqual({});
  await electron.evaluate(({ BrowserWindow }) => {
    const { webContents } = BrowserWindow.getAllWindows()[0]!;
    return new Promise<void>((resolve) => {
      webContents.once('render-process-gone', () => resolve());
      webContents.forcefullyCrashRenderer();
    });
  });
  expect(findings()).toEqual({});
  await flame.close();
  expect(findings()).toEqual({});

  // What was searched: the database and its log, the export, and what Chromium writes on its own.
  for (const name of ['profile/flame.db', 'profile/flame.db-wal', 'exported/records.json.age'])
    expect([...seen]).toContain(name);
  expect([...seen].some((name) => /Local State|Preferences/.test(name))).toBe(true);
  expect([...seen].filter((name) => name.endsWith('.dmp'))).toEqual([]);
});

/** Error codes that travel between processes as data, and the one table of their wording. Nothing matches on English. */

import { withoutPaths } from './without-paths.ts';

export type ErrorDetails = Readonly<Record<string, string | number>>;

interface Wording {
  readonly title: string;
  /** What the reader can do about it. Names in braces are filled from the details. */
  readonly action: string;
}

/** Also the English of the screen, which words it in other languages by code (src/renderer/language). */
export const ERROR_WORDING = {
  INVALID_INPUT: {
    title: 'This input cannot be used: {problem}',
    action: 'Correct it and try again.',
  },
  NOT_FOUND: {
    title: 'The {what} was not found.',
    action: 'It may have been removed meanwhile. Go back to the list and open it again.',
  },
  FILE_NOT_READABLE: {
    title: 'The file {file} cannot be read.',
    action: 'Check that it exists and that you may read it.',
  },
  FILE_NOT_WRITABLE: {
    title: 'The file {file} cannot be written: {problem}',
    action: 'Check free disk space and that you may write there, or choose another place.',
  },
  IMPORT_EMPTY: {
    title: '{file} holds no usable visit: {problem}',
    action:
      'Nothing was stored. Check that it is whole and in a format that Flame reads: FHIR R4, MIMIC, eICU, the visit format, or CSV with its columns named.',
  },
  STORE_LOCKED: {
    title: 'The visit database is protected by a passphrase.',
    action: 'Enter the passphrase to open it.',
  },
  STORE_KEY_WRONG: {
    title: 'The key does not open the visit database, or the file is not one.',
    action:
      'Enter the right passphrase, or put back the device key file that belongs to this database. Nothing was changed.',
  },
  STORE_KEY_UNSAFE: {
    title: 'The device key file {file} can be read by other users of this computer, or is not a key.',
    action: 'Restore the file from its backup and set its mode to 0600.',
  },
  STORE_CORRUPT: {
    title: 'The visit database {file} is damaged.',
    action:
      'Nothing was changed. Restore the newest backup: it goes into a new folder, and the damaged files stay as they are. Delete none of them, the -wal file may hold the latest visits.',
  },
  STORE_NEWER: {
    title:
      'The visit database was written by a newer version of Flame (schema {found}, this version knows {known}).',
    action: 'Install the newer version. Nothing was changed.',
  },
  STORE_UNAVAILABLE: {
    title: 'The visit database cannot be written: {problem}',
    action: 'Check free disk space and folder permissions. What was acknowledged before is safe.',
  },
  STORE_IN_USE: {
    title: 'The visit database is open in another Flame.',
    action: 'Close the other window or command, then try again.',
  },
  KEY_STORE_REFUSED: {
    title: 'The key store of this computer cannot open the database ({reason}).',
    action: 'Open it with its passphrase, as before. The settings say what is missing.',
  },
  SESSION_LOCKED: {
    title: 'Flame is locked.',
    action: 'Sign in to go on. What you had typed is kept.',
  },
  SIGN_IN_FAILED: {
    title: 'Name and passphrase do not belong together.',
    action: 'Check both. After five wrong tries each further one has to wait.',
  },
  SIGN_IN_PAUSED: {
    title: 'Too many wrong tries. The next one is allowed in {seconds} seconds.',
    action: 'Wait, or ask an administrator to unlock the account.',
  },
  ACCOUNT_LOCKED: {
    title: 'This account is locked after too many wrong tries.',
    action: 'An administrator can unlock it in the settings. The recovery code helps as well.',
  },
  CODE_INVALID: {
    title: 'This is not a code of Flame, or a letter of it is wrong.',
    action: 'Type the eight groups as they were printed. Capitals and dashes do not matter.',
  },
  PASSPHRASE_POOR: {
    title: 'This passphrase is not good enough: {problem}.',
    action:
      'Use at least 12 characters that are neither a well-known phrase nor your name; a few random words do well.',
  },
  PASSPHRASE_CHANGE_REQUIRED: {
    title: 'The passphrase was chosen by an administrator.',
    action: 'Choose your own first.',
  },
  CONFIRMATION_REQUIRED: {
    title: 'The signature was not confirmed with the passphrase.',
    action: 'Enter your passphrase and sign again.',
  },
  ACCOUNTS_REQUIRED: {
    title: 'This needs accounts.',
    action:
      'Set up accounts in the settings first: only then is there somebody who can open what is written here.',
  },
  ACCOUNT_NAME_TAKEN: {
    title: 'There is an account called {name} already.',
    action: 'Choose another name.',
  },
  LAST_ADMINISTRATOR: {
    title: 'No administrator would be left.',
    action: 'Make another account an administrator first.',
  },
  BACKUP_DAMAGED: {
    title: 'The file {file} is not a backup of Flame, or it is damaged.',
    action: 'Use another backup. Nothing was written.',
  },
  BACKUP_NEEDS_SECRET: {
    title: 'A backup needs a passphrase or accounts.',
    action:
      'Protect the database with a passphrase, or set up accounts, in the settings: only then is there somebody who can open a backup.',
  },
  BACKUP_SECRET_WRONG: {
    title: 'This does not open the backup.',
    action:
      'A backup opens with a passphrase or the recovery code of the day it was made, not with later ones.',
  },
  BACKUP_NO_FOLDER: {
    title: 'No folder for backups was chosen.',
    action: 'Choose one, best on another disk.',
  },
  BACKUP_FOLDER_UNUSABLE: {
    title: 'The folder {folder} is not there, or cannot be read or written ({problem}).',
    action: 'Plug in its disk and check that you may write there, or choose another folder.',
  },
  BACKUP_PLACE_IN_PROFILE: {
    title: 'The folder {folder} lies inside the profile that is in use.',
    action: 'Choose a place outside of it, best on another disk.',
  },
  BACKUP_NO_SPACE: {
    title: 'There is not enough room: {needed} MB are needed, {free} MB are free.',
    action: 'Free some space, or choose another disk. Nothing was written.',
  },
  RESTORE_PLACE_USED: {
    title: 'The folder {folder} holds something already.',
    action: 'Name a folder that does not exist yet, or an empty one. Flame never restores over anything.',
  },
  STORE_BUSY: {
    title: 'Something else is still at work in the database.',
    action: 'Wait until it is done, then try again.',
  },
  TRAINING_RUNS: {
    title: 'A model is being trained on the visits of this database.',
    action: 'Have a data steward hold or cancel the training, or wait until it is through; then try again.',
  },
  ACCESS_REFUSED: {
    title: 'Your role does not allow this ({method}).',
    action: 'Ask somebody whose role allows it, or have an administrator change your roles.',
  },
  KNOWLEDGE_CORRUPT: {
    title: 'The knowledge table {file} is missing or damaged.',
    action: 'Reinstall Flame, or in a clone run: git checkout resources/knowledge',
  },
  DEMO_CORRUPT: {
    title: 'The demo file {file} is missing or damaged.',
    action: 'Reinstall Flame, or in a clone run: git checkout resources/demo',
  },
  MODEL_PACK_MISSING: {
    title: 'The model pack {pack} was not found.',
    action: 'Reinstall Flame, or name a pack that exists in the models folder.',
  },
  MODEL_PACK_CORRUPT: {
    title: 'The model pack {pack} is damaged: {problem}',
    action:
      'Put back the file from its source; in a clone run: git checkout models. Flame does not run a pack that fails its check.',
  },
  MODEL_PACK_MISMATCH: {
    title: 'The model pack {pack} was made for other tables: {problem}',
    action: 'Use the pack that came with this version of Flame, or train it again with: npm run train',
  },
  ADAPTER_UNUSABLE: {
    title: 'The adapter file {file} cannot be used: {problem}',
    action:
      'Check that it is a LoRA adapter in the format of PEFT, trained from the files that Flame exported. Nothing was changed.',
  },
  FINETUNE_REFUSED: {
    title: 'These visits cannot be trained on: {problem}',
    action:
      'Choose a longer period or more sources, or wait until there are more visits. Nothing was changed.',
  },
  MODEL_GATES_FAILED: {
    title: 'The model {name} may not be used: it did not pass {gates}.',
    action: 'Look at the comparison, reject the model, and train again on more or better visits.',
  },
  MODEL_UNMEASURED: {
    title: 'The model {name} may not be used: it was never measured on visits that it did not learn from.',
    action:
      'Measure it on the computer that made it (docs/references/text-backbones.md says how) and install it again.',
  },
  TRAINER_DIED: {
    title: 'The training process stopped {attempts} times without getting further.',
    action:
      'The model in use is unchanged. Free memory, choose a smaller profile, and start the training again.',
  },
  MODEL_FILE_UNUSABLE: {
    title: '{file} is no model that Flame can install: {problem}',
    action:
      'Choose the folder of a model pack, or a zip archive of one as Flame exports it. Nothing was installed.',
  },
  MODEL_INSTALLED_ALREADY: {
    title: 'The model {name} {version} is installed already.',
    action: 'Choose it in the list of models.',
  },
  MODEL_TOO_LARGE: {
    title: 'The model {name} needs about {needed} MB of memory; {available} MB are free.',
    action: 'Close other programs or use a smaller model. Nothing was installed.',
  },
  MODEL_NOT_REMOVABLE: {
    title: 'The model {name} cannot be removed: {problem}.',
    action: 'Use another model first, or remove what stands on it.',
  },
  DEVICE_UNUSABLE: {
    title: 'The models do not run on {provider} here: {outcome}.',
    action: 'Choose another one, or test the processors again after a change of the driver.',
  },
  DRUG_UNKNOWN: {
    title: 'No ingredient, brand or synonym is called "{name}".',
    action: 'Check the spelling. {suggestions}',
  },
  RECOMMENDATION_STALE: {
    title: 'The recommendation was made by another model or from an older state of the visit.',
    action: 'Ask for a new recommendation, then save. Your edits are kept on the screen.',
  },
  OVERRIDE_REASON_REQUIRED: {
    title: 'The list holds {pair}, severity {severity}, without a reason.',
    action: 'Give a reason for keeping the pair, or remove one of the two drugs.',
  },
  FINDING_REASON_REQUIRED: {
    title: 'The list holds {drugs} against a warning of severity {severity}, without a reason. {because}',
    action: 'Give a reason for keeping it, or reject the drug.',
  },
  DECISION_UNDECIDED: {
    title: 'There is no word yet on {drugs}.',
    action: 'Accept, modify or reject each drug of the list, then sign.',
  },
  SIGNATURE_REQUIRED: {
    title: 'The decision is not signed.',
    action: 'Type your name on the signature line.',
  },
  AMENDMENT_REASON_REQUIRED: {
    title: 'The amendment has no reason.',
    action: 'Say why the decision is changed.',
  },
  DECISION_REPLACED: {
    title: 'This decision was replaced by a newer version already.',
    action: 'Open the visit again and amend the newest version.',
  },
  PRINT_FAILED: {
    title: 'The decision sheet was not printed: {problem}',
    action: 'Check the printer, or save the sheet as a PDF.',
  },
  ENGINE_GONE: {
    title: 'The engine process stopped during this call.',
    action: 'It is being restarted. Nothing that was saved is lost. Try again in a moment.',
  },
  ENGINE_NOT_READY: {
    title: 'The engine is still starting.',
    action: 'Try again in a moment.',
  },
  CANCELLED: { title: 'Cancelled.', action: 'What was finished before is kept.' },
  TIMEOUT: {
    title: 'No answer within {seconds} seconds.',
    action: 'Try again. If it happens again, restart Flame.',
  },
  METHOD_UNKNOWN: {
    title: 'The engine does not know the call {method}.',
    action: 'The parts of Flame do not match. Reinstall it.',
  },
  INTERNAL: {
    title: 'Something went wrong inside Flame: {problem}',
    action: 'Nothing that was saved is lost. Try again, and report it if it happens again.',
  },
} as const satisfies Record<string, Wording>;

export type ErrorCode = keyof typeof ERROR_WORDING;

/** An error with a code that survives the way between processes. */
export class FlameError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options: { cause?: unknown } = {}) {
    super(describeError(code, details).title, options);
    this.name = 'FlameError';
    this.code = code;
    this.details = details;
  }
}

/** The form in which an error crosses a process boundary. */
export interface WireError {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_WORDING, value);
}

/** Turns anything thrown into data for this computer's user alone; an unexpected error keeps its message as the `problem` of INTERNAL. */
export function errorData(thrown: unknown): WireError {
  if (thrown instanceof FlameError) return { code: thrown.code, details: thrown.details };
  const problem = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: 'INTERNAL', details: { problem } };
}

/** The same as it leaves a process: it may reach a page, which learns no path. */
export function toWireError(thrown: unknown): WireError {
  const { code, details } = errorData(thrown);
  const known = pathsOf(thrown);
  const shown = Object.entries(details).map(([name, value]) => [
    name,
    typeof value === 'string' ? withoutPaths(value, known) : value,
  ]);
  return { code, details: Object.fromEntries(shown) as ErrorDetails };
}

/** Of an error of the system, and of what caused it. */
function pathsOf(thrown: unknown): string[] {
  const found: string[] = [];
  for (let error = thrown; error instanceof Error; error = error.cause) {
    const { path, dest } = error as { readonly path?: unknown; readonly dest?: unknown };
    for (const one of [path, dest]) if (typeof one === 'string') found.push(one);
  }
  return found;
}

/** What the system said of a file, without the place: `EACCES: permission denied, open`. The page learns no path. */
export function problemWithoutPath(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { message } = thrown;
  return 'path' in thrown && typeof thrown.path === 'string'
    ? message.split(` '${thrown.path}'`)[0]!
    : message;
}

export function fromWireError(error: WireError): FlameError {
  return new FlameError(error.code, error.details);
}

/** Title and advice of an error in words, with the details filled in. */
export function describeError(code: ErrorCode, details: ErrorDetails = {}): Wording {
  const fill = (text: string): string =>
    text.replace(/\{(\w+)\}/g, (_whole, key: string) => String(details[key] ?? '')).trim();
  const { title, action } = ERROR_WORDING[code];
  return { title: fill(title), action: fill(action) };
}

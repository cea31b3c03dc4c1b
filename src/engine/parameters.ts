/** Checks the parameters of every call at the engine's edge. Knows shapes and limits, and nothing of what a call does. */

import { z } from 'zod';
import { SEARCHED_SYSTEMS, type EngineApi, type ParamsOf, type ShellApi } from '../shared/contract.ts';
import { AUDIT_GROUPS, type AuditGroup } from '../shared/audit.ts';
import { FlameError } from '../shared/errors.ts';
import { asId, type DecisionId, type DrugId, type PatientId, type VisitId } from '../shared/ids.ts';
import { ACCOUNTS_PARAMETERS } from './access/accounts-schema.ts';
import { BACKUPS_PARAMETERS } from './backup/backup-schema.ts';
import { decisionInput } from './decisions/decision-schema.ts';
import { editorForm, patientInput, visitInput } from './editing/form-schema.ts';
import { DEVICES_PARAMETERS } from './devices/devices-schema.ts';
import { KEY_STORE_PARAMETERS } from './access/key-store-schema.ts';
import { IMPORTS_PARAMETERS } from './imports/imports-schema.ts';
import { FINETUNE_PARAMETERS } from './finetune/finetune-schema.ts';
import { MODELS_PARAMETERS } from './models/models-schema.ts';
import { NOTES_PARAMETERS } from './editing/notes-schema.ts';
import { REASONS_PARAMETERS } from './decisions/reasons-schema.ts';
import { EXPORT_PARAMETERS } from './exports/export-schema.ts';
import { HOOKS_PARAMETERS } from './hooks/hooks-schema.ts';
import { SITE_TABLE_PARAMETERS } from './imports/site-table-schema.ts';

/** Every call that the engine answers, the renderer's and the shell's. */
export type Api = EngineApi & ShellApi;

const identifier = z.string().min(1).max(200);
const patientId = identifier.transform((text) => asId<PatientId>(text));
const visitId = identifier.transform((text) => asId<VisitId>(text));
const decisionId = identifier.transform((text) => asId<DecisionId>(text));
const drugId = identifier.transform((text) => asId<DrugId>(text));
const passphrase = z.string().min(1, 'the passphrase is empty').max(1024);
const grant = z.string().min(1).max(200);
/** Bytes; a picture of the largest screen is a tenth of it. */
const LARGEST_PICTURE = 20e6;

const date = z.iso.date();
const auditFilter = z.strictObject({
  group: z.enum(Object.keys(AUDIT_GROUPS) as AuditGroup[]).nullable(),
  actor: z.string().max(1000).nullable(),
  patientId: patientId.nullable(),
  from: date.nullable(),
  to: date.nullable(),
});

export const PARAMETERS = {
  ...ACCOUNTS_PARAMETERS,
  ...BACKUPS_PARAMETERS,
  'app.status': z.strictObject({}),
  'store.unlock': z.strictObject({ passphrase }),
  'store.setPassphrase': z.strictObject({
    passphrase: passphrase.nullable(),
    present: passphrase.optional(),
  }),
  'demo.describe': z.strictObject({}),
  'demo.load': z.strictObject({}),
  'patients.list': z.strictObject({
    query: z.string().max(500),
    limit: z.int().min(1).max(500),
    offset: z.int().min(0),
    archived: z.boolean().exactOptional(),
  }),
  'patients.get': z.strictObject({ patientId }),
  'patients.save': z.strictObject({ patient: patientInput }),
  'patients.duplicates': z.strictObject({
    id: patientId,
    name: z.string().max(1000),
    recordNumber: z.string().max(1000).nullable(),
  }),
  'patients.archive': z.strictObject({ patientId, archived: z.boolean() }),
  'patients.merge': z.strictObject({ from: patientId, into: patientId }),
  'visits.get': z.strictObject({ visitId }),
  'visits.save': z.strictObject({ visit: visitInput }),
  'drafts.list': z.strictObject({}),
  'drafts.put': z.strictObject({
    label: z.string().max(1000),
    form: editorForm,
    account: identifier.exactOptional(),
  }),
  'drafts.discard': z.strictObject({ id: identifier }),
  'codes.search': z.strictObject({
    system: z.enum(SEARCHED_SYSTEMS),
    text: z.string().max(200),
    limit: z.int().min(1).max(50),
  }),
  'codes.lists': z.strictObject({}),
  recommend: z.strictObject({ visitId, useHabits: z.boolean().exactOptional() }),
  ...REASONS_PARAMETERS,
  ...MODELS_PARAMETERS,
  ...DEVICES_PARAMETERS,
  ...NOTES_PARAMETERS,
  ...IMPORTS_PARAMETERS,
  ...KEY_STORE_PARAMETERS,
  ...FINETUNE_PARAMETERS,
  'drugs.search': z.strictObject({ text: z.string().max(200), limit: z.int().min(1).max(50) }),
  'interactions.among': z.strictObject({ drugs: z.array(drugId).max(200) }),
  'visits.check': z.strictObject({ visitId, drugs: z.array(drugId).max(200) }),
  'decisions.save': decisionInput,
  'decisions.basis': z.strictObject({ decisionId }),
  'decisions.seal': z.strictObject({ decisionId }),
  'decisions.signer': z.strictObject({}),
  'decisions.released': z.strictObject({
    decisionId,
    as: z.enum(['print', 'pdf']),
    sha256: z.string().max(64).nullable(),
  }),
  'worklist.get': z.strictObject({}),
  'overview.get': z.strictObject({ from: date.nullable(), to: date.nullable(), demo: z.boolean() }),
  'audit.open': z.strictObject({}),
  'audit.list': z.strictObject({
    filter: auditFilter,
    before: z.int().min(1).nullable(),
    limit: z.int().min(1).max(500),
  }),
  'audit.verify': z.strictObject({}),
  'audit.export': z.strictObject({ filter: auditFilter, format: z.enum(['csv', 'jsonl']), grant }),
  'graph.export': z.strictObject({
    visitId,
    grant,
    kind: z.enum(['svg', 'png']),
    bytes: z.instanceof(Uint8Array).refine(({ length }) => length > 0 && length <= LARGEST_PICTURE),
  }),
  ...SITE_TABLE_PARAMETERS,
  ...HOOKS_PARAMETERS,
  ...EXPORT_PARAMETERS,
  'files.grant': z.strictObject({
    grant,
    path: z.string().min(1).max(4096),
    purpose: z.enum(['read', 'write']).exactOptional(),
  }),
  'files.write': z.strictObject({
    path: z.string().min(1).max(4096),
    bytes: z.instanceof(Uint8Array),
  }),
  'power.changed': z.strictObject({ onBattery: z.boolean() }),
  'engine.shutdown': z.strictObject({}),
} as const satisfies { readonly [Name in keyof Api]: z.ZodType<ParamsOf<Api, Name>> };

/**
 * Reads the parameters of a call. A text with half a surrogate pair, as cutting through an emoji leaves it, gets U+FFFD there: SQLite
 * would store it so, and what is hashed must be what is stored.
 * @throws FlameError INVALID_INPUT naming the field and what is wrong with it
 */
export function parseParameters<Name extends keyof Api>(name: Name, params: unknown): ParamsOf<Api, Name> {
  const result = PARAMETERS[name].safeParse(params);
  if (result.success) return wellFormed(result.data) as ParamsOf<Api, Name>;
  const [issue] = result.error.issues;
  const field = issue?.path.join('.') ?? '';
  const problem = `${name}: ${field === '' ? '' : `${field}: `}${issue?.message ?? 'wrong shape'}`;
  throw new FlameError('INVALID_INPUT', { problem });
}

/** The same value with well-formed texts; parameters hold no cycles once a schema has read them. */
function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, wellFormed(part)]));
}

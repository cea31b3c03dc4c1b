/**
 * Which roles may make which call: the one table, which the engine enforces and the screen reads to leave out what would
 * be refused. Asks nobody who is signed in. A method forgotten here does not compile.
 */

import type { MethodName } from './contract.ts';

/**
 * An account holds one role or several. Clinicians decide on medications; data stewards bring data in and out; administrators
 * keep accounts, keys and backups, and see no patient unless they hold another role too.
 */
export const ROLES = ['clinician', 'data-steward', 'administrator'] as const;
export type Role = (typeof ROLES)[number];

/**
 * `anyone` may call without being signed in: nothing of a patient is in such a reply, and nothing is done to one.
 * `account` is for whoever is signed in, even before a passphrase that somebody else chose is changed.
 */
export type Access = 'anyone' | 'account' | readonly Role[];

const ANYONE = 'anyone';
const OWN_ACCOUNT = 'account';
const SIGNED_IN = ROLES;
/** Reads and corrects records. */
const RECORDS = ['clinician', 'data-steward'] as const;
/** Decides for a patient. */
const CLINICAL = ['clinician'] as const;
/** Brings data in and out. */
const DATA = ['data-steward'] as const;
/** Keeps accounts, keys and backups. */
const ADMINISTRATION = ['administrator'] as const;
/** Answers for what was done, and for the model that recommends. */
const OVERSIGHT = ['data-steward', 'administrator'] as const;

/** In a profile without accounts nobody is refused anything. */
export const METHOD_ROLES = {
  'app.status': ANYONE,
  'store.unlock': ANYONE,
  'store.setPassphrase': ADMINISTRATION,
  'keyStore.get': ADMINISTRATION,
  'keyStore.switchOn': ADMINISTRATION,
  'keyStore.switchOff': ADMINISTRATION,
  'accounts.setUp': ADMINISTRATION,
  'accounts.list': ADMINISTRATION,
  'accounts.add': ADMINISTRATION,
  'accounts.change': ADMINISTRATION,
  'accounts.resetPassphrase': ADMINISTRATION,
  'accounts.remove': ADMINISTRATION,
  'accounts.unlock': ADMINISTRATION,
  'accounts.newCode': ADMINISTRATION,
  'accounts.lockAfter': ADMINISTRATION,
  'accounts.rekey': ADMINISTRATION,
  'accounts.changePassphrase': OWN_ACCOUNT,
  'backups.get': ADMINISTRATION,
  'backups.set': ADMINISTRATION,
  'backups.setFolder': ADMINISTRATION,
  'backups.make': ADMINISTRATION,
  'backups.verify': ADMINISTRATION,
  'backups.openers': ADMINISTRATION,
  'backups.preview': ADMINISTRATION,
  'backups.restore': ADMINISTRATION,
  // While the database does not open there is no role to ask for: the secret of the backup is.
  'rescue.backups': ANYONE,
  'rescue.openers': ANYONE,
  'rescue.preview': ANYONE,
  'rescue.restore': ANYONE,
  'session.signIn': ANYONE,
  'session.lock': ANYONE,
  'session.confirm': OWN_ACCOUNT,
  'session.recover': ANYONE,
  'session.emergency': ANYONE,
  'demo.describe': SIGNED_IN,
  'demo.load': DATA,
  'patients.list': RECORDS,
  'patients.get': RECORDS,
  'patients.save': RECORDS,
  'patients.duplicates': RECORDS,
  'patients.archive': RECORDS,
  'patients.merge': RECORDS,
  'visits.get': RECORDS,
  'visits.save': RECORDS,
  'drafts.list': RECORDS,
  'drafts.put': RECORDS,
  'drafts.discard': RECORDS,
  'codes.search': SIGNED_IN,
  'codes.lists': SIGNED_IN,
  'visits.import': DATA,
  'hooks.get': ADMINISTRATION,
  'hooks.feedback': RECORDS,
  'hooks.set': ADMINISTRATION,
  'hooks.token': ADMINISTRATION,
  'exports.count': DATA,
  'exports.write': DATA,
  'siteTable.get': SIGNED_IN,
  'siteTable.preview': DATA,
  'siteTable.import': DATA,
  'siteTable.remove': DATA,
  'imports.unfinished': DATA,
  'imports.resume': DATA,
  'imports.forget': DATA,
  'imports.inspect': DATA,
  'mappings.list': DATA,
  'mappings.put': DATA,
  'mappings.remove': DATA,
  'mappings.import': DATA,
  'mappings.export': DATA,
  recommend: CLINICAL,
  'recommend.explain': CLINICAL,
  'recommend.alternatives': CLINICAL,
  'drugs.search': SIGNED_IN,
  'interactions.among': SIGNED_IN,
  'visits.check': RECORDS,
  'decisions.save': CLINICAL,
  'worklist.get': RECORDS,
  'overview.get': RECORDS,
  'graph.export': CLINICAL,
  'audit.open': OVERSIGHT,
  'audit.list': OVERSIGHT,
  'audit.verify': OVERSIGHT,
  'audit.export': OVERSIGHT,
  'decisions.basis': RECORDS,
  'decisions.seal': RECORDS,
  'decisions.signer': SIGNED_IN,
  'notes.read': RECORDS,
  'models.list': SIGNED_IN,
  'models.use': OVERSIGHT,
  'models.rollBack': OVERSIGHT,
  'models.details': SIGNED_IN,
  'models.verify': SIGNED_IN,
  'models.import': OVERSIGHT,
  'models.export': OVERSIGHT,
  'models.remove': OVERSIGHT,
  'devices.list': SIGNED_IN,
  'devices.test': SIGNED_IN,
  'devices.choose': OVERSIGHT,
  // A report counts drugs and visits; a comparison shows lists of single visits.
  'finetune.report': DATA,
  'finetune.start': DATA,
  'finetune.export': DATA,
  'finetune.importAdapter': DATA,
  'finetune.list': SIGNED_IN,
  'finetune.get': DATA,
  'finetune.hold': DATA,
  'finetune.cancel': DATA,
  'finetune.promote': DATA,
  'finetune.reject': DATA,
} as const satisfies Record<MethodName, Access>;

/** @param roles of whoever is signed in; null when nobody is */
export function mayCall(method: MethodName, roles: readonly Role[] | null): boolean {
  const access: Access = METHOD_ROLES[method];
  if (access === 'anyone') return true;
  if (roles === null) return false;
  return access === 'account' || access.some((role) => roles.includes(role));
}

/** Audit entries in plain words: what was done, and the one detail that tells it apart. Filters and hides nothing. */

import { english } from '../language/english.ts';
import { t } from '../language/language.svelte.ts';
import type { TextKey } from '../language/translation.ts';
import { readActor } from '../../shared/actor.ts';
import type { AuditEntryView } from '../../shared/audit.ts';
import { timeWords } from './visit.ts';

/** Imports are about a file, by its name. */
const FILE_IN_SUBJECT = /^visits\.import/;

type Fields = Readonly<Record<string, unknown>>;

/** "Opened the visit"; an action of another version of Flame shows its own name. */
export function actionWords(action: string): string {
  const [kind = '', done = ''] = action.split('.');
  const known: Readonly<Record<string, Readonly<Record<string, string>>>> = english.audit.action;
  return known[kind]?.[done] === undefined ? action : t(`audit:action.${action}` as TextKey);
}

/** An account's name with its roles; whoever used the computer before there were accounts, as written. */
export function actorWords(text: string): string {
  const { name, account } = readActor(text);
  if (account === null) return name;
  const known: Readonly<Record<string, string>> = english.accounts.role;
  const roles = account.roles.map((role) =>
    known[role] === undefined ? role : t(`accounts:role.${role}` as TextKey),
  );
  return `${name} (${roles.join(', ')})`;
}

/** What stands after the action, e.g. which fields were changed; empty where the action says it all. */
export function detailWords({
  action,
  subject,
  content,
}: Pick<AuditEntryView, 'action' | 'subject' | 'content'>): string {
  const fields = readFields(content);
  const { changed, model, label, at, final, visitsCreated, resumedAfter, cancelled, name, reason } = fields;
  const file = FILE_IN_SUBJECT.test(action) ? subject : fields['file'];
  const overrides = countOf(fields['overrides']) + countOf(fields['findingOverrides']);
  return [
    ...(Array.isArray(changed) ? [t('audit:detail.changed', { fields: changed.join(', ') })] : []),
    ...(typeof model === 'string' ? [model] : []),
    ...(typeof file === 'string' ? [file] : []),
    ...(typeof label === 'string' ? [label] : []),
    ...(typeof name === 'string' ? [name] : []),
    ...(typeof reason === 'string' ? [reason] : []),
    ...(typeof at === 'string' ? [t('audit:detail.at', { time: timeWords(at) })] : []),
    ...(typeof visitsCreated === 'number' ? [t('audit:detail.visits', { count: visitsCreated })] : []),
    ...(typeof resumedAfter === 'number' ? [t('audit:detail.resumed', { count: resumedAfter })] : []),
    ...(cancelled === true ? [t('audit:detail.cancelled')] : []),
    ...(Array.isArray(final) ? [t('audit:detail.drugs', { count: final.length })] : []),
    ...(overrides > 0 ? [t('audit:detail.overrides', { count: overrides })] : []),
  ].join(', ');
}

function countOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** Content that was made unreadable behind Flame's back has no details; it is shown as it is below. */
function readFields(content: string): Fields {
  try {
    const parsed: unknown = JSON.parse(content);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Fields) : {};
  } catch {
    return {};
  }
}

/** Backups in words: what one holds, how large it is, what is known of its state. Formats, and judges nothing. */

import type { BackupCounts, BackupEntry, NewestVisit } from '../../shared/backup-api.ts';
import { t } from '../language/language.svelte.ts';
import { locale } from './numbers.ts';
import { dateWords, timeWords } from './visit.ts';

export function countsWords({ patients, visits, decisions }: BackupCounts): string {
  return [
    t('common:count.patients', { count: patients }),
    t('common:count.visits', { count: visits }),
    t('common:count.decisions', { count: decisions }),
  ].join(', ');
}

export function newestWords(newest: NewestVisit | null): string {
  return newest === null ? t('backups:noVisit') : dateWords(newest.date, newest.dateKnown);
}

export function sizeWords(bytes: number): string {
  const megabytes = (bytes / 1e6).toLocaleString(locale(), { maximumFractionDigits: 1 });
  return t('backups:size', { megabytes });
}

export function stateWords({ kind, checked }: BackupEntry): string {
  const read =
    checked === null
      ? t('backups:state.unchecked')
      : t(checked.sound ? 'backups:state.checked' : 'backups:state.foundDamaged', {
          time: timeWords(checked.at),
        });
  if (kind === 'own') return read;
  if (kind === 'damaged') return t('backups:state.damaged');
  return t(`backups:state.${kind}`);
}

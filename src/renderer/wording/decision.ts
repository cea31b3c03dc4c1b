/** A stored decision in words: who signed it, which warnings were kept and why. Decides nothing. */

import type { Decision, StatedReason } from '../../shared/decision.ts';
import { EVALUATION_SEVERITY, type Severity } from '../../shared/domain.ts';
import type { FoundFinding } from '../../shared/findings.ts';
import type { DrugId } from '../../shared/ids.ts';
import { pairKey } from '../../shared/interactions.ts';
import { t } from '../language/language.svelte.ts';
import { groupsOf } from '../state/findings-view.ts';
import { CHECK_WORDS, failedWords, unknownWords } from './findings.ts';
import { OVERRIDE_REASON_WORDS } from './recommendation.ts';
import { timeWords } from './visit.ts';

/** "Ada Example, MD, 14 Mar 2026, 09:05". */
export function signatureWords({ signature, savedAt }: Decision): string {
  if (signature === null) return t('decision:saved.unsigned');
  const { name, role } = signature;
  const time = timeWords(savedAt);
  return role === ''
    ? t('decision:saved.signedBy', { name, time })
    : t('decision:saved.signedByRole', { name, role, time });
}

/** The findings that a reason was given for. */
export function keptWarnings({
  findings,
}: Decision): readonly { readonly finding: FoundFinding; readonly override: StatedReason }[] {
  return findings.flatMap(({ finding, override }) =>
    finding.state === 'found' && override !== null ? [{ finding, override }] : [],
  );
}

export interface SheetWarning {
  readonly what: string;
  readonly severity: Severity;
  readonly advice: string;
  /** Empty where none was asked for. */
  readonly reason: string;
}

/** Interactions and other warnings of severity 2 and above, worst first, each with its reason. */
export function sheetWarnings(
  { interactions, overrides, findings }: Decision,
  nameOf: (drug: DrugId) => string,
): readonly SheetWarning[] {
  const reasons = new Map(overrides.map((override) => [pairKey(override.a, override.b), override]));
  const pairs = interactions
    .filter(({ severity }) => severity >= EVALUATION_SEVERITY)
    .map(({ a, b, severity, sources }) => ({
      what: `${nameOf(a)} + ${nameOf(b)}`,
      severity,
      advice: sources.find(({ management }) => management !== undefined)?.management ?? '',
      reason: reasonInWords(reasons.get(pairKey(a, b)) ?? null),
    }));
  const others = findings.flatMap(({ finding, override }) =>
    finding.state !== 'found'
      ? []
      : {
          what: `${finding.drugs.map(nameOf).join(' + ')}: ${finding.because || CHECK_WORDS[finding.check]}`,
          severity: finding.severity,
          advice: finding.management || finding.effect,
          reason: reasonInWords(override),
        },
  );
  return [...pairs, ...others].sort((x, y) => y.severity - x.severity);
}

/** What could not be checked, and why, a line each. */
export function sheetUnknowns({ findings }: Decision, nameOf: (drug: DrugId) => string): readonly string[] {
  const unanswered = findings.map(({ finding }) => finding);
  return [
    ...groupsOf(unanswered).map((group) => unknownWords(group, nameOf)),
    ...unanswered.flatMap((finding) => (finding.state === 'failed' ? [failedWords(finding.check)] : [])),
  ];
}

/** Empty where none was stated. */
export function reasonInWords(stated: StatedReason | null): string {
  if (stated === null) return '';
  const words = OVERRIDE_REASON_WORDS[stated.reason];
  return stated.note === '' ? words : `${words}: ${stated.note}`;
}

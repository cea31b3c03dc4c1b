/**
 * What a warning rests on as `DetectedIssue.evidence`: each source with its own level, its citation and how far it was held
 * against text. A citation is a logical reference: nothing in the file or on a server answers it.
 */

import type { DetectedIssueEvidence, Extension } from 'fhir/r4';
import type { InteractionSource, SourceSupport } from '../../shared/domain.ts';
import type { FoundFinding } from '../../shared/findings.ts';
import { extension, FLAME } from './terms.ts';

export function interactionEvidence(sources: readonly InteractionSource[]): DetectedIssueEvidence[] {
  return sources.map(({ source, severity, nativeSeverity, citation, reviewed, support, setAside }) =>
    evidence(source, `${nativeSeverity} (${severity})`, citation, [
      ...marksOf(reviewed, support),
      ...(setAside === undefined ? [] : [extension('set-aside', { valueString: setAside })]),
    ]),
  );
}

/** The words of a label that matched stand as an entry of their own. */
export function findingEvidence({ sources, label }: FoundFinding): DetectedIssueEvidence[] {
  return [
    ...sources.map(({ citation, version, reviewed, support }) =>
      evidence(version, null, citation, marksOf(reviewed, support)),
    ),
    ...(label === null
      ? []
      : [
          {
            extension: [extension('label-phrase', { valueString: label.text.slice(label.from, label.to) })],
            code: [{ text: label.text }],
          },
        ]),
  ];
}

function evidence(
  source: string,
  level: string | null,
  citation: string,
  marks: readonly Extension[],
): DetectedIssueEvidence {
  return {
    ...(marks.length === 0 ? {} : { extension: [...marks] }),
    code: [
      {
        coding: [{ system: `${FLAME}/CodeSystem/evidence-source`, code: source }],
        ...(level === null ? {} : { text: level }),
      },
    ],
    detail: [{ identifier: { system: `${FLAME}/identifier/citation`, value: citation }, display: citation }],
  };
}

function marksOf(reviewed: boolean, support: SourceSupport | undefined): Extension[] {
  return [
    ...(reviewed ? [] : [extension('unreviewed-label-text', { valueBoolean: true })]),
    ...(support === undefined ? [] : [extension('support', { valueCode: support.state })]),
    ...(support === undefined || support.words === ''
      ? []
      : [extension('support-words', { valueString: support.words })]),
  ];
}

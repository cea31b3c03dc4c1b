/**
 * What was decided or only proposed at a visit as FHIR R4: a proposal for each drug, an issue for each warning, where both
 * come from, and the audit entries. Turns no proposal into an order.
 */

import type {
  AuditEvent,
  CodeableConcept,
  DetectedIssue,
  FhirResource,
  MedicationRequest,
  Provenance,
  Reference,
} from 'fhir/r4';
import type { Decision, StatedReason } from '../../shared/decision.ts';
import type { Interaction, Severity, Visit } from '../../shared/domain.ts';
import type { Finding } from '../../shared/findings.ts';
import type { DrugId } from '../../shared/ids.ts';
import { probabilityOf, selectGridPoint, type Recommendation } from '../../shared/recommendation.ts';
import { findingEvidence, interactionEvidence } from './evidence.ts';
import { ACT_CODE, extension, FLAME, medication, reference, type ExportNames } from './terms.ts';
import { directionsText, statementId } from './visit-resources.ts';

/** An audit entry as the log holds it. */
export interface ExportedAudit {
  readonly sequence: number;
  /** ISO time. */
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly hash: string;
}

export interface ExportedDecision {
  readonly decision: Decision;
  /** A newer version took its place. */
  readonly replaced: boolean;
  readonly audit: readonly ExportedAudit[];
}

const SEVERITY: Readonly<Record<Severity, NonNullable<DetectedIssue['severity']>>> = {
  4: 'high',
  3: 'high',
  2: 'moderate',
  1: 'low',
};
const SEVERITY_WORDS: Readonly<Record<Severity, string>> = {
  4: 'contraindicated',
  3: 'avoid the combination',
  2: 'monitor or adjust',
  1: 'be aware',
};
const PARTICIPATION = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type';
const DICOM = 'http://dicom.nema.org/resources/ontology/DCM';

export function decisionResources(
  visit: Visit,
  { decision, replaced, audit }: ExportedDecision,
  names: ExportNames,
): FhirResource[] {
  const requests = [
    ...chosenRequests(visit, decision, replaced, names),
    ...rejectedRequests(visit, decision, names),
  ];
  const byDrug = new Map(
    decision.final.map(({ id }, index) => [id, reference('MedicationRequest', `${decision.id}-rx${index}`)]),
  );
  const implicated = (drugs: readonly DrugId[]): Reference[] =>
    drugs.map((drug) => byDrug.get(drug) ?? takenReference(visit, drug, names));
  const overrides = new Map(
    decision.overrides.map((override) => [[override.a, override.b].join(), override]),
  );
  const issues = [
    ...decision.interactions.map((pair, index) =>
      interactionIssue(visit, `${decision.id}-di${index}`, decision.savedAt, pair, {
        implicated: implicated([pair.a, pair.b]),
        override: overrides.get([pair.a, pair.b].join()) ?? null,
      }),
    ),
    ...decision.findings.map(({ finding, override }, index) =>
      findingIssue(visit, `${decision.id}-df${index}`, decision.savedAt, finding, {
        implicated: implicated(finding.drugs),
        override,
      }),
    ),
  ];
  const targets = [...requests, ...issues].map(({ resourceType, id }) => reference(resourceType, id!));
  return [
    ...requests,
    ...issues,
    ...(targets.length === 0 ? [] : [provenanceOf(decision, targets)]),
    ...audit.map((entry) => auditResource(`${decision.id}-au${entry.sequence}`, entry, targets)),
  ];
}

/** A recommendation that nobody has decided on: drafts of the list at the accurate end, where the slider starts. */
export function proposalResources(visit: Visit, reply: Recommendation, names: ExportNames): FhirResource[] {
  const { list } = selectGridPoint(reply.grid, 0);
  const requests = list.map((drug, index): MedicationRequest => ({
    ...proposal(visit, `${reply.id}-rx${index}`, 'draft', drug, reply.createdAt, names),
    extension: [extension('probability', { valueDecimal: probabilityOf(reply, drug) ?? 0 })],
    note: [{ text: 'Proposed by Flame; nobody has decided on it.' }],
  }));
  const byDrug = new Map(
    list.map((drug, index) => [drug, reference('MedicationRequest', `${reply.id}-rx${index}`)]),
  );
  const taken = new Set(visit.context.currentMedications);
  const issues = reply.interactions
    .filter(({ a, b }) => [a, b].every((drug) => byDrug.has(drug) || taken.has(drug)))
    .filter(({ a, b }) => byDrug.has(a) || byDrug.has(b))
    .map((pair, index) =>
      interactionIssue(visit, `${reply.id}-di${index}`, reply.createdAt, pair, {
        implicated: [pair.a, pair.b].map((drug) => byDrug.get(drug) ?? takenReference(visit, drug, names)),
        override: null,
      }),
    );
  const targets = [...requests, ...issues].map(({ resourceType, id }) => reference(resourceType, id!));
  return targets.length === 0
    ? []
    : [
        ...requests,
        ...issues,
        provenance(`${reply.id}-pv`, reply.createdAt, targets, reply.model, reply.knowledgeVersion),
      ];
}

function chosenRequests(
  visit: Visit,
  decision: Decision,
  replaced: boolean,
  names: ExportNames,
): MedicationRequest[] {
  const words = new Map(decision.chosen.map((word) => [word.drug, word]));
  return decision.final.map(({ id }, index) => {
    const word = words.get(id);
    const text =
      word === undefined
        ? ''
        : [directionsText(word.use), word.use.instructions.trim()].filter(Boolean).join('. ');
    return {
      ...proposal(
        visit,
        `${decision.id}-rx${index}`,
        replaced ? 'cancelled' : 'active',
        id,
        decision.savedAt,
        names,
      ),
      groupIdentifier: { system: `${FLAME}/identifier/decision`, value: decision.id },
      ...(word === undefined ? {} : { extension: [extension('verdict', { valueCode: word.verdict })] }),
      ...(text === '' ? {} : { dosageInstruction: [{ text }] }),
      ...(decision.comment === '' ? {} : { note: [{ text: decision.comment }] }),
    };
  });
}

/** A drug that was proposed and refused, with the reason where one was given. */
function rejectedRequests(visit: Visit, decision: Decision, names: ExportNames): MedicationRequest[] {
  return decision.rejected.map(({ drug, reason, note }, index) => ({
    ...proposal(visit, `${decision.id}-rj${index}`, 'cancelled', drug, decision.savedAt, names),
    groupIdentifier: { system: `${FLAME}/identifier/decision`, value: decision.id },
    extension: [extension('verdict', { valueCode: 'rejected' })],
    statusReason: {
      ...(reason === null ? {} : { coding: [{ system: `${FLAME}/CodeSystem/reject-reason`, code: reason }] }),
      text: note === '' ? (reason ?? 'rejected, no reason given') : note,
    },
  }));
}

function proposal(
  { id, patientId }: Visit,
  request: string,
  status: MedicationRequest['status'],
  drug: DrugId,
  at: string,
  names: ExportNames,
): MedicationRequest {
  return {
    resourceType: 'MedicationRequest',
    id: request,
    status,
    intent: 'proposal',
    medicationCodeableConcept: medication(drug, names),
    subject: reference('Patient', patientId),
    encounter: reference('Encounter', id),
    authoredOn: at,
  };
}

/** The statement of a current medication; a drug that stands nowhere else is at least named. */
function takenReference(visit: Visit, drug: DrugId, names: ExportNames): Reference {
  const statement = statementId(visit, drug);
  return statement === null
    ? { display: names.drug(drug).name }
    : reference('MedicationStatement', statement);
}

interface IssueContext {
  readonly implicated: readonly Reference[];
  readonly override: StatedReason | null;
}

function interactionIssue(
  { patientId }: Visit,
  id: string,
  at: string,
  { severity, sources }: Interaction,
  { implicated, override }: IssueContext,
): DetectedIssue {
  const duplicate = sources.every(({ source }) => source.startsWith('rule:duplicate-'));
  const told = sources.map((source) =>
    [
      `${source.source}, ${source.nativeSeverity} (${source.severity})`,
      source.effect,
      source.mechanism,
      source.management,
      source.citation,
      source.setAside === undefined ? undefined : `does not count: ${source.setAside}`,
    ]
      .filter((part) => part !== undefined && part !== '')
      .join('. '),
  );
  return {
    ...issue(id, patientId, at, duplicate ? 'DUPTHPY' : 'DRG', severity),
    implicated: [...implicated],
    detail: `${SEVERITY_WORDS[severity]}. ${told.join(' | ')}`,
    evidence: interactionEvidence(sources),
    ...mitigation(override, at),
  };
}

function findingIssue(
  { patientId }: Visit,
  id: string,
  at: string,
  finding: Finding,
  { implicated, override }: IssueContext,
): DetectedIssue {
  const about = implicated.length === 0 ? {} : { implicated: [...implicated] };
  if (finding.state !== 'found') {
    const why =
      finding.state === 'not-checked'
        ? `missing: ${finding.missing}${finding.entry === null ? '' : ` (${finding.entry})`}`
        : finding.state === 'failed'
          ? finding.problem
          : 'no table names the drug';
    return {
      ...issue(id, patientId, at, null, null),
      code: { text: `${finding.check}: ${finding.state}` },
      ...about,
      detail: `Not checked, which does not mean safe. ${why}`,
    };
  }
  const { check, severity, because, effect, management, sources } = finding;
  return {
    ...issue(id, patientId, at, null, severity),
    code: { text: check },
    ...about,
    detail: [
      SEVERITY_WORDS[severity],
      because,
      effect,
      management,
      ...sources.map(({ citation }) => citation),
    ]
      .filter((part) => part !== '')
      .join('. '),
    evidence: findingEvidence(finding),
    ...mitigation(override, at),
  };
}

function issue(
  id: string,
  patientId: string,
  at: string,
  code: 'DRG' | 'DUPTHPY' | null,
  severity: Severity | null,
): DetectedIssue {
  const display = code === 'DRG' ? 'Drug Interaction Alert' : 'Duplicate Therapy Alert';
  return {
    resourceType: 'DetectedIssue',
    id,
    ...(severity === null ? {} : { extension: [extension('severity', { valueInteger: severity })] }),
    status: 'final',
    ...(code === null ? {} : { code: { coding: [{ system: ACT_CODE, code, display }] } }),
    ...(severity === null ? {} : { severity: SEVERITY[severity] }),
    patient: reference('Patient', patientId),
    identifiedDateTime: at,
  };
}

/** Why it was kept all the same. */
function mitigation(override: StatedReason | null, at: string): Pick<DetectedIssue, 'mitigation'> {
  if (override === null) return {};
  const action: CodeableConcept = {
    coding: [{ system: `${FLAME}/CodeSystem/override-reason`, code: override.reason }],
    text: override.note === '' ? override.reason : `${override.reason}: ${override.note}`,
  };
  return { mitigation: [{ action, date: at }] };
}

function provenanceOf(decision: Decision, targets: readonly Reference[]): Provenance {
  const { id, savedAt, model, knowledgeVersion, signature, version, amendment, alpha } = decision;
  const made = provenance(`${id}-pv`, savedAt, targets, model, knowledgeVersion);
  const signed =
    signature === null
      ? []
      : [
          {
            type: { coding: [{ system: PARTICIPATION, code: 'author' }] },
            who: { display: [signature.name, signature.role].filter((part) => part !== '').join(', ') },
          },
        ];
  return {
    ...made,
    extension: [
      extension('slider-position', { valueDecimal: alpha }),
      extension('decision-version', { valueInteger: version }),
    ],
    ...(amendment === null
      ? {}
      : { reason: [{ text: `Amends ${amendment.replaces}: ${amendment.reason}` }] }),
    agent: [...signed, ...made.agent],
  };
}

/** Made by which model over which tables. */
function provenance(
  id: string,
  at: string,
  targets: readonly Reference[],
  model: Recommendation['model'],
  knowledgeVersion: string,
): Provenance {
  return {
    resourceType: 'Provenance',
    id,
    target: [...targets],
    recorded: at,
    agent: [
      {
        type: { coding: [{ system: PARTICIPATION, code: 'assembler' }] },
        who: {
          identifier: { system: `${FLAME}/identifier/model`, value: `${model.name}|${model.version}` },
          display: `Flame, model ${model.name} ${model.version}`,
        },
      },
    ],
    entity: [
      {
        role: 'source',
        what: {
          identifier: { system: `${FLAME}/identifier/knowledge`, value: knowledgeVersion },
          display: `Flame knowledge tables ${knowledgeVersion}`,
        },
      },
    ],
  };
}

function auditResource(id: string, entry: ExportedAudit, about: readonly Reference[]): AuditEvent {
  return {
    resourceType: 'AuditEvent',
    id,
    extension: [extension('audit-hash', { valueString: entry.hash })],
    type: { system: DICOM, code: '110110', display: 'Patient Record' },
    subtype: [{ system: `${FLAME}/CodeSystem/audit-action`, code: entry.action }],
    action: entry.action === 'decision.saved' ? 'C' : 'R',
    recorded: entry.at,
    outcome: '0',
    agent: [{ who: { display: entry.actor }, requestor: true }],
    source: { observer: { display: 'Flame' }, site: 'this computer' },
    ...(about.length === 0 ? {} : { entity: about.map((what) => ({ what })) }),
  };
}

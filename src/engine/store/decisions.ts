/** Stores what the clinician decided, once and for good, together with its audit entry. Checks no clinical rule. */

import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { DecisionSeal } from '../../shared/contract.ts';
import { NO_USE, type Decision, type Override, type Signature } from '../../shared/decision.ts';
import { FlameError } from '../../shared/errors.ts';
import { asId, type DecisionId, type DrugId, type RecommendationId, type VisitId } from '../../shared/ids.ts';
import { appendAudit, listAudit } from './audit.ts';
import { decisionDrugs, decisionDrugsAgree, insertDecisionDrugs } from './decision-drugs.ts';
import { DecidedFindings } from './finding-columns.ts';
import type { ReadableDb, WritableDb } from './handle.ts';
import { DrugIds, DrugNames, Interactions, OverrideReasonColumn, SeverityColumn } from './json-columns.ts';
import { visitKeyOf } from './visits.ts';

interface DecisionRow {
  readonly key: number;
  readonly id: string;
  readonly visit_id: string;
  readonly recommendation_id: string;
  readonly saved_at: string;
  readonly alpha: number;
  readonly model_name: string;
  readonly model_version: string;
  readonly knowledge_version: string;
  readonly proposed: string;
  readonly final: string;
  readonly added: string;
  readonly removed: string;
  readonly interactions: string;
  readonly comment: string;
  readonly version: number;
  readonly replaces_id: string | null;
  readonly amendment_reason: string;
  readonly signer_name: string | null;
  readonly signer_role: string | null;
  readonly signer_account: string | null;
  readonly findings: string;
}

interface OverrideRow {
  readonly a: string;
  readonly b: string;
  readonly severity: number;
  readonly reason: string;
  readonly note: string;
}

/** Decisions checked at a time. */
const PAGE = 200;

const SELECT = `SELECT d.*, v.id AS visit_id, r.id AS recommendation_id, o.id AS replaces_id FROM decisions d
  JOIN visits v ON v.key = d.visit JOIN recommendations r ON r.key = d.recommendation
  LEFT JOIN decisions o ON o.key = d.replaces`;

/**
 * Stores proposal, final list, overrides and the audit entry in one transaction.
 * @throws FlameError NOT_FOUND when the visit or the recommendation is not stored
 */
export function saveDecision(db: WritableDb, decision: Decision, actor: string): void {
  db.transaction(() => {
    const { rowid } = db.run(
      `INSERT INTO decisions (id, visit, recommendation, saved_at, alpha, model_name, model_version,
         knowledge_version, proposed, final, added, removed, interactions, comment, version, replaces,
         amendment_reason, signer_name, signer_role, signer_account, findings)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      decision.id,
      visitKeyOf(db, decision.visitId),
      recommendationKeyOf(db, decision.recommendationId),
      decision.savedAt,
      decision.alpha,
      decision.model.name,
      decision.model.version,
      decision.knowledgeVersion,
      JSON.stringify(decision.proposed),
      JSON.stringify(decision.final),
      JSON.stringify(decision.added),
      JSON.stringify(decision.removed),
      JSON.stringify(decision.interactions),
      decision.comment,
      decision.version,
      decision.amendment === null ? null : decisionKeyOf(db, decision.amendment.replaces),
      decision.amendment?.reason ?? '',
      decision.signature?.name ?? null,
      decision.signature?.role ?? null,
      decision.signature?.account ?? null,
      JSON.stringify(decision.findings),
    );
    insertDecisionDrugs(db, rowid, decision);
    for (const [position, { a, b, severity, reason, note }] of decision.overrides.entries()) {
      db.run(
        `INSERT INTO decision_overrides (decision, position, a, b, severity, reason, note)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        rowid,
        position,
        a,
        b,
        severity,
        reason,
        note,
      );
    }
    appendAudit(
      db,
      {
        actor,
        action: 'decision.saved',
        subject: decision.id,
        content: {
          visit: decision.visitId,
          final: decision.final.map(({ id }) => id),
          overrides: decision.overrides.length,
          findingOverrides: decision.findings.filter(({ override }) => override !== null).length,
          rejected: decision.rejected.map(({ drug }) => drug),
          version: decision.version,
          replaces: decision.amendment?.replaces ?? null,
          signedBy: decision.signature?.name ?? null,
          sha256: decisionHash(getDecision(db, decision.id)),
        },
      },
      decision.savedAt,
    );
  });
}

/** @throws FlameError NOT_FOUND */
export function getDecision(db: ReadableDb, id: DecisionId): Decision {
  const decision = findDecision(db, id);
  if (!decision) throw new FlameError('NOT_FOUND', { what: 'decision' });
  return decision;
}

export function findDecision(db: ReadableDb, id: DecisionId): Decision | null {
  const row = db.get<DecisionRow>(`${SELECT} WHERE d.id = ?`, id);
  return row ? decisionOf(db, row) : null;
}

/** The decisions for a visit, newest first. */
export function listDecisions(db: ReadableDb, visitId: VisitId): Decision[] {
  return db
    .all<DecisionRow>(`${SELECT} WHERE v.id = ? ORDER BY d.key DESC`, visitId)
    .map((row) => decisionOf(db, row));
}

export function countDecisions(db: ReadableDb): number {
  return db.get<{ n: number }>('SELECT count(*) AS n FROM decisions')!.n;
}

/** Ids of audited decisions that are gone or differ from what the audit log says was saved. */
export function changedDecisions(db: ReadableDb): DecisionId[] {
  return [...changedDecisionPages(db)].flat();
}

/** The same, so many audited decisions at a time. */
export function* changedDecisionPages(db: ReadableDb): Generator<DecisionId[]> {
  let after = 0;
  while (true) {
    const saved = db.all<{ sequence: number; subject: string; sha256: string | null }>(
      `SELECT sequence, subject, content ->> '$.sha256' AS sha256 FROM audit_entries
       WHERE action = 'decision.saved' AND sequence > ? ORDER BY sequence LIMIT ${PAGE}`,
      after,
    );
    yield saved
      .filter(({ subject, sha256 }) => {
        const row = db.get<DecisionRow>(`${SELECT} WHERE d.id = ?`, subject);
        return !row || storedHash(db, row) !== sha256;
      })
      .map(({ subject }) => asId<DecisionId>(subject));
    if (saved.length < PAGE) return;
    after = saved.at(-1)!.sequence;
  }
}

/** What the audit log says of a stored decision. @throws FlameError NOT_FOUND */
export function sealOf(db: ReadableDb, id: DecisionId): DecisionSeal {
  const row = db.get<DecisionRow>(`${SELECT} WHERE d.id = ?`, id);
  if (!row) throw new FlameError('NOT_FOUND', { what: 'decision' });
  const saved = listAudit(db, id).find(({ action }) => action === 'decision.saved');
  const sha256 = saved?.content['sha256'];
  if (typeof sha256 !== 'string') return { sha256: null, intact: false };
  return { sha256, intact: sha256 === storedHash(db, row) };
}

/** Who signed the latest signed decision. */
export function latestSigner(db: ReadableDb): Signature | null {
  const row = db.get<{ name: string; role: string }>(
    `SELECT signer_name AS name, signer_role AS role FROM decisions
     WHERE signer_name IS NOT NULL ORDER BY key DESC LIMIT 1`,
  );
  return row ?? null;
}

export function isReplaced(db: ReadableDb, id: DecisionId): boolean {
  const replaced = 'SELECT 1 FROM decisions WHERE replaces = (SELECT key FROM decisions WHERE id = ?)';
  return db.get(replaced, id) !== undefined;
}

/** SHA-256 of a decision as stored; null where a column holds something that no decision puts there. */
function storedHash(db: ReadableDb, row: DecisionRow): string | null {
  const decision = decisionOf(db, row);
  const stray =
    (row.replaces_id === null && row.amendment_reason !== '') ||
    (row.signer_name === null && (row.signer_role !== null || row.signer_account !== null)) ||
    !decisionDrugsAgree(db, row.key, decision);
  return stray ? null : decisionHash(decision);
}

/** SHA-256 of a decision; of one from before signatures, of what a decision held then. */
function decisionHash(decision: Decision): string {
  const content = isFromBeforeSignatures(decision) ? unsignedContent(decision) : decision;
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

/** Unsigned, and everything that came with signatures is as the migration to schema 6 left it. */
function isFromBeforeSignatures(decision: Decision): boolean {
  const { proposed, final, added, removed } = decision;
  const nameOf = (drug: DrugId): string => proposed.find(({ id }) => id === drug)?.name ?? drug;
  return isDeepStrictEqual(
    {
      chosen: decision.chosen,
      rejected: decision.rejected,
      findings: decision.findings,
      signature: decision.signature,
      version: decision.version,
      amendment: decision.amendment,
    },
    {
      chosen: final.map(({ id }) => ({
        drug: id,
        verdict: added.includes(id) ? 'added' : 'accepted',
        use: NO_USE,
      })),
      rejected: removed.map((drug) => ({ drug, name: nameOf(drug), reason: null, note: '' })),
      findings: [],
      signature: null,
      version: 1,
      amendment: null,
    },
  );
}

/** In the order in which it was hashed. */
function unsignedContent(decision: Decision): Partial<Decision> {
  const { id, visitId, recommendationId, savedAt, alpha, model, knowledgeVersion } = decision;
  const { proposed, final, added, removed, overrides, interactions, comment } = decision;
  const made = { id, visitId, recommendationId, savedAt, alpha, model, knowledgeVersion };
  return { ...made, proposed, final, added, removed, overrides, interactions, comment };
}

/** Without accounts in the order and with the parts of which the hash was made then. */
function signatureOf({ signer_name, signer_role, signer_account }: DecisionRow): Signature | null {
  if (signer_name === null) return null;
  const signature = { name: signer_name, role: signer_role ?? '' };
  return signer_account === null ? signature : { ...signature, account: signer_account };
}

function decisionKeyOf(db: ReadableDb, id: DecisionId): number {
  const row = db.get<{ key: number }>('SELECT key FROM decisions WHERE id = ?', id);
  if (!row) throw new FlameError('NOT_FOUND', { what: 'decision' });
  return row.key;
}

function recommendationKeyOf(db: ReadableDb, id: RecommendationId): number {
  const row = db.get<{ key: number }>('SELECT key FROM recommendations WHERE id = ?', id);
  if (!row) throw new FlameError('NOT_FOUND', { what: 'recommendation' });
  return row.key;
}

function decisionOf(db: ReadableDb, row: DecisionRow): Decision {
  return {
    id: asId<DecisionId>(row.id),
    visitId: asId<VisitId>(row.visit_id),
    recommendationId: asId<RecommendationId>(row.recommendation_id),
    savedAt: row.saved_at,
    alpha: row.alpha,
    model: { name: row.model_name, version: row.model_version },
    knowledgeVersion: row.knowledge_version,
    proposed: DrugNames.parse(JSON.parse(row.proposed)),
    final: DrugNames.parse(JSON.parse(row.final)),
    added: DrugIds.parse(JSON.parse(row.added)),
    removed: DrugIds.parse(JSON.parse(row.removed)),
    overrides: overridesOf(db, row.key),
    interactions: Interactions.parse(JSON.parse(row.interactions)),
    comment: row.comment,
    ...decisionDrugs(db, row.key),
    findings: DecidedFindings.parse(JSON.parse(row.findings)),
    signature: signatureOf(row),
    version: row.version,
    amendment:
      row.replaces_id === null
        ? null
        : { replaces: asId<DecisionId>(row.replaces_id), reason: row.amendment_reason },
  };
}

function overridesOf(db: ReadableDb, decisionKey: number): Override[] {
  return db
    .all<OverrideRow>(
      'SELECT a, b, severity, reason, note FROM decision_overrides WHERE decision = ? ORDER BY position',
      decisionKey,
    )
    .map((row) => ({
      a: asId<DrugId>(row.a),
      b: asId<DrugId>(row.b),
      severity: SeverityColumn.parse(row.severity),
      reason: OverrideReasonColumn.parse(row.reason),
      note: row.note,
    }));
}

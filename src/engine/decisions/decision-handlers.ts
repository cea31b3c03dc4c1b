/** The handlers of decisions: sign and store, what an amendment starts from, the seal, the log of what left Flame. */

import type { Checker } from '../../checks/checker.ts';
import { factsOf } from '../../checks/facts.ts';
import type { EngineApi, ShellApi } from '../../shared/contract.ts';
import type { Decision, DecisionInput } from '../../shared/decision.ts';
import { FlameError } from '../../shared/errors.ts';
import { decide, isFresh } from './decide.ts';
import { leftAsProposed } from './decision-habits.ts';
import { parseParameters } from '../parameters.ts';
import type { Handlers } from '../serve.ts';
import { appendAudit } from '../store/audit.ts';
import {
  findDecision,
  getDecision,
  isReplaced,
  latestSigner,
  saveDecision,
  sealOf,
} from '../store/decisions.ts';
import { findRecommendation, getRecommendation } from '../store/recommendations.ts';
import { getVisit } from '../store/visits.ts';
import type { Workspace } from '../workspace.ts';

type DecisionMethod = 'decisions.save' | 'decisions.basis' | 'decisions.seal' | 'decisions.signer';

export function decisionHandlers(
  workspace: Workspace,
  actor: () => string,
  checker: () => Checker,
): Pick<Handlers<EngineApi>, DecisionMethod> {
  return {
    'decisions.save': (params) => {
      const input = parseParameters('decisions.save', params);
      const { db, knowledge, model, habits } = workspace;
      const { decision, madeFrom } = db.transaction(() => {
        const visit = getVisit(db, input.visitId);
        const before = findDecision(db, input.id);
        if (before !== null) return { decision: sameVisit(before, input), madeFrom: null };
        const recommendation = findRecommendation(db, input.recommendationId);
        if (recommendation === null) throw new FlameError('RECOMMENDATION_STALE');
        const signature = workspace.session.signatureFor(input.id, input.signature);
        const made = decide(
          { ...input, signature },
          {
            visit,
            recommendation,
            knowledge,
            model,
            check: (drugs) => checker().check(factsOf(visit), drugs),
            amended: amendedBy(workspace, input),
          },
        );
        saveDecision(db, made, actor());
        return { decision: made, madeFrom: recommendation };
      });
      if (madeFrom !== null) habits.count({ recommendation: madeFrom, ...countedOf(decision) });
      return decision;
    },

    'decisions.basis': (params) => {
      const { decisionId } = parseParameters('decisions.basis', params);
      const { db, knowledge, model } = workspace;
      const decision = getDecision(db, decisionId);
      const visit = getVisit(db, decision.visitId);
      const recommendation = getRecommendation(db, decision.recommendationId);
      const fresh = isFresh(decision, { visit, recommendation, knowledge, model });
      return { recommendation: fresh ? recommendation : null };
    },

    'decisions.seal': (params) => sealOf(workspace.db, parseParameters('decisions.seal', params).decisionId),

    'decisions.signer': (params) => {
      parseParameters('decisions.signer', params);
      const { session } = workspace;
      return { signature: session.hasAccounts ? session.ownSignature() : latestSigner(workspace.db) };
    },
  };
}

/** What only the shell tells: that a decision left Flame. */
export function decisionShellHandlers(
  workspace: Workspace,
  actor: () => string,
): Pick<Handlers<ShellApi>, 'decisions.released'> {
  return {
    'decisions.released': (params) => {
      const { decisionId, as, sha256 } = parseParameters('decisions.released', params);
      const { id, visitId, version } = getDecision(workspace.db, decisionId);
      const action = as === 'print' ? 'decision.printed' : 'decision.exported';
      appendAudit(workspace.db, {
        actor: actor(),
        action,
        subject: id,
        content: { visit: visitId, version, ...(sha256 === null ? {} : { pdf: sha256 }) },
      });
      return {};
    },
  };
}

function countedOf(decision: Decision) {
  return {
    visitId: decision.visitId,
    proposed: leftAsProposed({
      proposed: decision.proposed.map(({ id }) => id),
      modified: decision.chosen.filter(({ verdict }) => verdict === 'modified').map(({ drug }) => drug),
      rejected: decision.rejected.map(({ drug }) => drug),
    }),
    final: decision.final.map(({ id }) => id),
  };
}

function amendedBy({ db }: Workspace, { amendment }: DecisionInput) {
  if (amendment === null) return null;
  const decision = findDecision(db, amendment.replaces);
  return decision && { decision, replaced: isReplaced(db, decision.id) };
}

/** The answer to a save that is repeated because its first answer was lost. */
function sameVisit(saved: Decision, { visitId }: DecisionInput): Decision {
  if (saved.visitId === visitId) return saved;
  throw new FlameError('INVALID_INPUT', {
    problem: 'decisions.save: id: it names a decision for another visit',
  });
}

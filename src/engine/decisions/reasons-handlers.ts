/** The handlers of reasons and alternatives. Parse, read the stored recommendation, ask. */

import type { Checker } from '../../checks/checker.ts';
import type { EngineApi } from '../../shared/contract.ts';
import type { Visit } from '../../shared/domain.ts';
import { FlameError } from '../../shared/errors.ts';
import type { RecommendationId, VisitId } from '../../shared/ids.ts';
import type { Recommendation } from '../../shared/recommendation.ts';
import { AlternativeFinder } from './alternatives.ts';
import { Explainer } from './explain.ts';
import { parseParameters } from '../parameters.ts';
import type { ActiveModel } from '../models/active-model.ts';
import { isMadeFrom } from './recommend.ts';
import type { Handlers } from '../serve.ts';
import { withEarlierVisits } from '../store/earlier-visits.ts';
import { findRecommendation } from '../store/recommendations.ts';
import { pastVisits } from '../store/similar-visits.ts';
import { getVisit } from '../store/visits.ts';
import type { Workspace } from '../workspace.ts';

type ReasonsMethod = 'recommend.explain' | 'recommend.alternatives';

export function reasonsHandlers(
  workspace: Workspace,
  checker: () => Checker,
): Pick<Handlers<EngineApi>, ReasonsMethod> {
  const explainerOf = forEachModel(({ model }) => new Explainer(workspace.knowledge, model));
  const finderOf = forEachModel(
    ({ model }) => new AlternativeFinder(workspace.knowledge, model.formulary, checker()),
  );

  return {
    'recommend.explain': async (params) => {
      const { visitId, recommendationId, drug, alpha } = parseParameters('recommend.explain', params);
      const { visit, recommendation } = recommended(workspace, visitId, recommendationId);
      const { context, notes: note } = visit;
      const past = () => pastVisits(workspace.db, visitId);
      return workspace.active.use((active) =>
        explainerOf(active).explain({ recommendation, context, note, drug, alpha }, past),
      );
    },

    'recommend.alternatives': (params) => {
      const { visitId, recommendationId, pair, list } = parseParameters('recommend.alternatives', params);
      const { visit, recommendation } = recommended(workspace, visitId, recommendationId);
      const exclusions = workspace.recommender.exclusionsFor(visit);
      return finderOf(workspace.active).find({ visit, recommendation, pair, list, exclusions });
    },
  };
}

/**
 * The stored recommendation with the visit as it was when it was made.
 * @throws FlameError NOT_FOUND, RECOMMENDATION_STALE when the visit, the model or the tables changed since, or a newer one replaced it
 */
function recommended(
  { db, model, knowledge }: Workspace,
  visitId: VisitId,
  id: RecommendationId,
): { readonly visit: Visit; readonly recommendation: Recommendation } {
  const visit = withEarlierVisits(db, getVisit(db, visitId));
  const recommendation = findRecommendation(db, id);
  const same =
    recommendation !== null &&
    recommendation.visitId === visitId &&
    isMadeFrom(recommendation, visit) &&
    recommendation.model.name === model.name &&
    recommendation.model.version === model.version &&
    recommendation.knowledgeVersion === knowledge.version;
  if (!same) throw new FlameError('RECOMMENDATION_STALE');
  return { visit, recommendation };
}

/** What is made of a model and the tables once, and anew when others are in use. */
function forEachModel<T extends object>(make: (active: ActiveModel) => T): (active: ActiveModel) => T {
  const made = new WeakMap<ActiveModel['recommender'], T>();
  return (active) => {
    let one = made.get(active.recommender);
    if (!one) made.set(active.recommender, (one = make(active)));
    return one;
  };
}

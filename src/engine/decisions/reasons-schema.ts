/** The parameters of the calls about reasons and alternatives, checked at the engine's edge. Knows nothing of what a call does. */

import { z } from 'zod';
import { asId, type DrugId, type RecommendationId, type VisitId } from '../../shared/ids.ts';

const identifier = z.string().min(1).max(200);

const asked = {
  visitId: identifier.transform((text) => asId<VisitId>(text)),
  recommendationId: identifier.transform((text) => asId<RecommendationId>(text)),
};
const drugId = identifier.transform((text) => asId<DrugId>(text));

export const REASONS_PARAMETERS = {
  'recommend.explain': z.strictObject({ ...asked, drug: drugId, alpha: z.number() }),
  'recommend.alternatives': z.strictObject({
    ...asked,
    pair: z.tuple([drugId, drugId]),
    list: z.array(drugId).max(200),
  }),
} as const;

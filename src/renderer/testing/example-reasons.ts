/** Typed example reasons and alternatives for component tests. Never part of the app. */

import type { Alternatives } from '../../shared/alternatives.ts';
import type { DrugId } from '../../shared/ids.ts';
import type { Reasons } from '../../shared/reasons.ts';
import { FINDINGS } from './example-findings.ts';
import * as fixtures from './fixtures.ts';

/** Reasons with one of everything: raised, lowered, an indication, a partner, a step, similar visits, a warning. */
export function reasonsFor(drug: DrugId): Reasons {
  return {
    drug: fixtures.drug(drug),
    model: {
      probability: 0.62,
      unknowing: 0.04,
      raised: [
        { kind: 'diagnosis', entry: { code: 'E119', title: 'Type 2 diabetes mellitus' }, change: 0.31 },
        { kind: 'age', entry: { code: '61', title: null }, change: 0.02 },
      ],
      lowered: [{ kind: 'reason', entry: { code: '99999', title: null }, change: -0.012 }],
      negligible: 3,
    },
    probability: 0.66,
    indications: {
      recorded: 4,
      matched: [
        { indication: 'Type 2 Diabetes Mellitus', title: 'Type 2 diabetes mellitus', narrower: false },
        { indication: 'Refractory Type 2 Diabetes', title: 'Type 2 diabetes mellitus', narrower: true },
      ],
    },
    coPrescriptions: [{ partner: fixtures.drug('warfarin'), taken: true, share: 0.25, lift: 2.1 }],
    slider: {
      proposed: true,
      step: { action: 'add', drug, probability: 0.66, expectedJaccardChange: 0.12, interactionChange: 1 },
      positions: [0, 1, 2],
      of: 5,
      leaves: {
        position: 3,
        step: {
          action: 'remove',
          drug,
          probability: 0.66,
          expectedJaccardChange: -0.1,
          interactionChange: -1,
        },
      },
    },
    pairs: 1,
    similar: { visits: 20, withDrug: 7 },
    warnings: [{ kind: 'outside-training-population', reason: 'paediatric' }],
  };
}

/** One alternative without pairs and one that a check speaks against. */
export function alternativesTo(drug: DrugId): Alternatives {
  return {
    drug: fixtures.drug(drug),
    pairs: 2,
    alternatives: [
      {
        drug: fixtures.drug('omeprazole'),
        probability: 0.12,
        kinship: [{ kind: 'class', title: 'Proton pump inhibitor' }],
        interactions: [],
        covered: true,
        findings: [],
      },
      {
        drug: fixtures.drug('co-enzyme q10'),
        probability: 0.02,
        kinship: [{ kind: 'indication', title: 'Heart failure' }],
        interactions: fixtures.INTERACTIONS.filter(({ severity }) => severity >= 2).slice(0, 1),
        covered: false,
        findings: FINDINGS.filter((finding) => finding.state === 'found').slice(0, 1),
      },
    ],
    unresolved: 3,
  };
}

/** What CDS Hooks 1.0 says on the wire: services, questions, cards, as far as Flame speaks it. Answers nothing. */

import type { MedicationRequest } from 'fhir/r4';
import { z } from 'zod';

export const HOOKS = ['patient-view', 'order-select'] as const;
export type Hook = (typeof HOOKS)[number];

export interface Card {
  readonly uuid: string;
  /** At most 140 characters. */
  readonly summary: string;
  readonly indicator: 'info' | 'warning' | 'critical';
  readonly detail?: string;
  readonly source: { readonly label: string };
  readonly suggestions?: readonly Suggestion[];
  readonly selectionBehavior?: 'any';
  readonly overrideReasons?: readonly {
    readonly code: string;
    readonly system: string;
    readonly display: string;
  }[];
}

export interface Suggestion {
  readonly label: string;
  readonly uuid: string;
  readonly actions: readonly {
    readonly type: 'create';
    readonly description: string;
    readonly resource: MedicationRequest;
  }[];
}

export const HookRequest = z.object({
  hook: z.enum(HOOKS),
  hookInstance: z.string().min(1).max(200),
  context: z.looseObject({
    patientId: z.string().min(1).max(200),
    draftOrders: z
      .object({
        entry: z
          .array(z.object({ resource: z.unknown() }))
          .max(500)
          .optional(),
      })
      .optional(),
    selections: z.array(z.string().max(500)).max(500).optional(),
  }),
  prefetch: z.record(z.string().max(100), z.unknown()).optional(),
});
export type HookRequest = z.infer<typeof HookRequest>;

/** The services of the discovery document. */
export const SERVICES = HOOKS.map((hook) => ({
  hook,
  id: `flame-${hook}`,
  title: hook === 'patient-view' ? 'Flame: proposed medications' : 'Flame: checks of ordered medications',
  description:
    hook === 'patient-view'
      ? 'Proposes medications for the patient, with what speaks against those taken now. Decision support, no order.'
      : 'Checks ordered medications against each other, those taken now, allergies, kidney function, pregnancy and age.',
  prefetch: {
    patient: 'Patient/{{context.patientId}}',
    conditions: 'Condition?patient={{context.patientId}}&clinical-status=active',
    medications: 'MedicationStatement?patient={{context.patientId}}&status=active',
    requests: 'MedicationRequest?patient={{context.patientId}}&status=active',
    allergies: 'AllergyIntolerance?patient={{context.patientId}}',
    observations: 'Observation?patient={{context.patientId}}&code=2160-0,29463-7,8302-2,82810-3',
  },
}));

/**
 * The on-site service: listens while its switch is on and the database is open, answers CDS Hooks, stores feedback, and
 * writes every answer about a patient into the audit log. Opens no socket itself and computes no card.
 */

import { z } from 'zod';
import { DrugReader, type SiteMappings } from '../../knowledge/drug-reader.ts';
import { FlameError } from '../../shared/errors.ts';
import type { HooksState } from '../../shared/hooks-api.ts';
import { appendAudit } from '../store/audit.ts';
import { earlierVisitsOf } from '../store/earlier-visits.ts';
import { countFeedback, hookSettings, insertFeedback, type HookSettings } from '../store/hooks.ts';
import type { Workspace } from '../workspace.ts';
import { answerHook } from './cards.ts';
import { HookRequest, SERVICES } from './protocol.ts';
import { listenOnLoopback, type Loopback, type LoopbackReply, type LoopbackRequest } from './loopback.ts';

/** Who acts in the audit log. */
export const HOOKS_ACTOR = 'on-site service';

const Feedback = z.object({
  feedback: z
    .array(
      z.object({
        card: z.string().min(1).max(200),
        outcome: z.enum(['accepted', 'overridden']),
        overrideReason: z
          .object({
            reason: z.object({ code: z.string().max(200) }).optional(),
            userComment: z.string().max(2000).optional(),
          })
          .optional(),
      }),
    )
    .min(1)
    .max(100),
});

const NOTHING = (status: number): LoopbackReply => ({ status, body: null });

export class HookService {
  readonly #workspace: Workspace;
  readonly #mappings: () => SiteMappings;
  #loopback: (Loopback & { readonly settings: HookSettings }) | null = null;
  #problem: string | null = null;
  #turn: Promise<void> = Promise.resolve();

  /** @param mappings the site's own names of drugs and conditions */
  constructor(workspace: Workspace, mappings: () => SiteMappings) {
    this.#workspace = workspace;
    this.#mappings = mappings;
  }

  /** @throws what `db` throws */
  state(): HooksState {
    const { db } = this.#workspace;
    const { enabled, port, tokenHash } = hookSettings(db);
    return {
      enabled,
      port,
      hasToken: tokenHash !== null,
      listening: this.#loopback !== null,
      problem: this.#problem,
      feedback: countFeedback(db),
    };
  }

  /** Makes what listens equal to what is set; without an open database nothing listens. Fails never: the state says why. */
  settle(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#settle());
    return this.#turn;
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#stop();
  }

  async #settle(): Promise<void> {
    const wanted = this.#wanted();
    const now = this.#loopback?.settings ?? null;
    const same =
      wanted?.port === now?.port &&
      (wanted?.tokenHash ?? null)?.toString('hex') === (now?.tokenHash ?? null)?.toString('hex');
    if (same && (wanted === null) === (now === null)) return;
    await this.#stop();
    this.#problem = null;
    if (wanted === null) return;
    try {
      const loopback = await listenOnLoopback({
        port: wanted.port,
        tokenHash: wanted.tokenHash,
        answer: (request) => this.#answer(request),
        onDefect: (thrown) => console.error('engine: on-site service failed:', thrown),
      });
      this.#loopback = { port: loopback.port, close: () => loopback.close(), settings: wanted };
    } catch (thrown) {
      this.#problem = thrown instanceof Error ? thrown.message : String(thrown);
    }
  }

  #wanted(): (HookSettings & { readonly tokenHash: Buffer }) | null {
    try {
      const { enabled, port, tokenHash } = hookSettings(this.#workspace.db);
      return enabled && tokenHash !== null ? { enabled, port, tokenHash } : null;
    } catch {
      return null; // The database is locked or closed.
    }
  }

  async #stop(): Promise<void> {
    const stopping = this.#loopback;
    this.#loopback = null;
    await stopping?.close();
  }

  async #answer({ method, path, body }: LoopbackRequest): Promise<LoopbackReply> {
    if (path === '/cds-services')
      return method === 'GET' ? { status: 200, body: { services: SERVICES } } : NOTHING(405);
    const [, id = '', feedback] = /^\/cds-services\/([\w-]{1,100})(\/feedback)?$/.exec(path) ?? [];
    const service = SERVICES.find((one) => one.id === id);
    if (!service) return NOTHING(404);
    if (method !== 'POST') return NOTHING(405);
    try {
      return feedback === undefined ? await this.#ask(service, body) : this.#take(service.id, body);
    } catch (thrown) {
      if (!(thrown instanceof FlameError)) throw thrown;
      return { status: 503, body: { error: thrown.code } }; // A part of Flame is missing, locked or failed.
    }
  }

  async #ask(service: (typeof SERVICES)[number], body: unknown): Promise<LoopbackReply> {
    const parsed = HookRequest.safeParse(body);
    if (!parsed.success || parsed.data.hook !== service.hook) return NOTHING(400);
    const { db, knowledge, checker, recommender } = this.#workspace;
    const mappings = this.#mappings();
    const answer = await answerHook(parsed.data, {
      knowledge,
      checker,
      recommender,
      drugs: new DrugReader(knowledge.drugs, mappings),
      conditionCodes: (code) => mappings.look('snomed', code),
      earlierVisits: (patient, date) => earlierVisitsOf(db, patient, date),
    });
    if (answer === null) return NOTHING(412);
    const { hookInstance, context } = parsed.data;
    appendAudit(db, {
      actor: HOOKS_ACTOR,
      action: 'hooks.answered',
      subject: `fhir:${context.patientId}`,
      content: {
        service: service.id,
        hookInstance,
        cards: answer.cards.map(({ uuid, indicator }) => ({ uuid, indicator })),
        knowledge: answer.knowledgeVersion,
        ...(answer.earlierVisits > 0 ? { earlierVisits: answer.earlierVisits } : {}),
      },
    });
    return { status: 200, body: { cards: answer.cards } };
  }

  #take(service: string, body: unknown): LoopbackReply {
    const parsed = Feedback.safeParse(body);
    if (!parsed.success) return NOTHING(400);
    const { db } = this.#workspace;
    const at = new Date().toISOString();
    db.transaction(() => {
      for (const { card, outcome, overrideReason } of parsed.data.feedback) {
        const reason = overrideReason?.reason?.code ?? null;
        insertFeedback(
          db,
          { service, card, outcome, reason, comment: overrideReason?.userComment ?? '' },
          at,
        );
      }
      appendAudit(db, {
        actor: HOOKS_ACTOR,
        action: 'hooks.feedback',
        subject: service,
        content: { feedback: parsed.data.feedback.map(({ card, outcome }) => ({ card, outcome })) },
      });
    });
    return { status: 200, body: {} };
  }
}

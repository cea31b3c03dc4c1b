/** Saves the graph as a picture where the user picks a place; the engine writes the file and the audit log. */

import type { PictureKind, WireErrorData } from '../../../shared/contract.ts';
import type { VisitId } from '../../../shared/ids.ts';
import { pngPicture, svgPicture } from '../../graph/picture.ts';
import { t } from '../../language/language.svelte.ts';
import { useApp } from '../../state/app.svelte.ts';
import { problemOf } from '../../state/problem.ts';
import { today } from '../../state/today.ts';

export class PictureFile {
  /** The file name once saved; null before. */
  saved = $state<string | null>(null);
  problem = $state.raw<WireErrorData | null>(null);
  readonly #app = useApp();

  async save(visitId: VisitId, drawing: SVGSVGElement, kind: PictureKind): Promise<void> {
    this.saved = null;
    this.problem = null;
    try {
      const svg = svgPicture(drawing, {
        title: t('graph:pictureTitle'),
        footer: [
          t('graph:pictureSource', { date: today(), tables: this.#app.status?.knowledgeVersion ?? '' }),
          t('graph:pictureDisclaimer'),
        ],
      });
      const bytes = kind === 'svg' ? new TextEncoder().encode(svg) : await pngPicture(svg);
      const picked = await this.#app.engine.pickSaveFile(kind, `flame-interactions.${kind}`);
      if (picked === null) return;
      await this.#app.engine.call('graph.export', {
        visitId,
        grant: picked.grant,
        kind,
        bytes,
      });
      this.saved = picked.name;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
  }
}

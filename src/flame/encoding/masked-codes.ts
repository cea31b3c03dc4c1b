/**
 * Hides codes of encoded visits for pre-training: a hidden code takes its families with it, unless a code that stays
 * visible implies them, so that nothing left of it gives it away. Draws from one seeded stream; runs no graph.
 */

import type { Random } from '../../nn/random.ts';
import type { ClinicalContext } from '../../shared/domain.ts';
import type { EncodedCorpus, Encoder } from './encoding.ts';
import { familyOf } from './features.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The codes that can be hidden and predicted: features of the family `code`. */
export interface CodeIndex {
  /** Feature id of each code. */
  readonly features: readonly number[];
  /** Position among `features` by feature id; −1 for features that are no code. */
  readonly positions: Int32Array;
  /** By position: ids of all features that a visit with this code alone would have for it, its own among them. */
  readonly implied: readonly (readonly number[])[];
}

export function codeIndex(encoder: Encoder): CodeIndex {
  const { vocabulary } = encoder;
  const features = vocabulary.features.flatMap((key, id) => (familyOf(key) === 'code' ? [id] : []));
  const positions = new Int32Array(vocabulary.features.length).fill(-1);
  features.forEach((id, position) => (positions[id] = position));
  const implied = features.map((id) => {
    const alone = encoder.encode(visitWith(vocabulary.features[id]!)).ids;
    return [...new Set([id, ...alone.filter((one) => isOfCodes(vocabulary, one))])];
  });
  return { features, positions, implied };
}

function isOfCodes(vocabulary: Vocabulary, id: number): boolean {
  const family = familyOf(vocabulary.features[id]!);
  return family === 'code' || family === 'hierarchy';
}

/** A visit that holds one code and nothing else. */
function visitWith(key: string): ClinicalContext {
  const code = key.slice(key.indexOf(':') + 1);
  const kind = key.slice(0, key.indexOf(':'));
  return {
    year: 0,
    age: Number.NaN,
    sex: 'unknown',
    setting: 'unknown',
    specialty: null,
    reasons: kind === 'rfv' ? [code] : [],
    diagnoses: kind === 'dx' ? [{ system: 'ICD-9-CM', code }] : [],
    chronic: kind === 'chronic' ? [code] : [],
    procedures: kind === 'pr' ? [code] : [],
    currentMedications: [],
    previousMedications: [],
  };
}

/**
 * Writes one view of a visit: the features that stay into `x` [features], 1 at the hidden codes into `hidden` [codes],
 * and 1 at every code that may be asked for, hidden or absent, into `asked` [codes].
 */
export function writeMaskedView(
  corpus: EncodedCorpus,
  visit: number,
  index: CodeIndex,
  hide: number,
  random: Random,
  view: { readonly x: Float32Array; readonly hidden: Float32Array; readonly asked: Float32Array },
): void {
  const { x, hidden, asked } = view;
  asked.fill(1);
  const gone = new Set<number>();
  const stays = new Set<number>();
  for (let i = corpus.starts[visit]!; i < corpus.starts[visit + 1]!; i += 1) {
    const position = index.positions[corpus.ids[i]!]!;
    if (position < 0) continue;
    const isHidden = random.uniform() < hide;
    for (const id of index.implied[position]!) (isHidden ? gone : stays).add(id);
    if (isHidden) hidden[position] = 1;
    else asked[position] = 0;
  }
  for (let i = corpus.starts[visit]!; i < corpus.starts[visit + 1]!; i += 1) {
    const id = corpus.ids[i]!;
    if (!gone.has(id) || stays.has(id)) x[id] = corpus.weights[i]!;
  }
}

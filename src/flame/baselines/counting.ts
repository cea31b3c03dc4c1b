/** The two baselines that only count: frequency and additive lift. They train no network and see no history. */

import type { EncodedCorpus } from '../encoding/encoding.ts';
import type { ScoreTable } from '../evaluation/metrics.ts';
import type { Vocabulary } from '../encoding/vocabulary.ts';

/** Every visit gets each drug's share of training visits. */
export function frequencyScores(vocabulary: Vocabulary, corpus: EncodedCorpus): ScoreTable {
  const drugs = vocabulary.formulary.length;
  const shares = Float32Array.from(vocabulary.drugUses, (uses) => uses / vocabulary.visits);
  const values = new Float32Array(corpus.visits * drugs);
  for (let visit = 0; visit < corpus.visits; visit += 1) values.set(shares, visit * drugs);
  return { visits: corpus.visits, drugs, values };
}

/** A feature's share of a drug leans on the drug's overall share as if this many more visits had been seen. */
const PRIOR_VISITS = 20;

/**
 * Additive lift: the mean over a visit's features of the share of training visits with that feature that hold the drug,
 * P(d | f) = P(d) · lift(f, d), shrunk towards P(d).
 */
export function liftScores(vocabulary: Vocabulary, train: EncodedCorpus, corpus: EncodedCorpus): ScoreTable {
  const features = vocabulary.features.length;
  const drugs = vocabulary.formulary.length;
  const together = new Float32Array(features * drugs);
  const uses = new Float32Array(features);
  eachFeature(train, (visit, feature) => {
    uses[feature]! += 1;
    for (const drug of train.truth[visit]!) together[feature * drugs + drug]! += 1;
  });
  const shares = Float32Array.from(vocabulary.drugUses, (count) => count / vocabulary.visits);
  for (let feature = 0; feature < features; feature += 1)
    for (let drug = 0; drug < drugs; drug += 1) {
      const at = feature * drugs + drug;
      together[at] = (together[at]! + PRIOR_VISITS * shares[drug]!) / (uses[feature]! + PRIOR_VISITS);
    }
  const values = new Float32Array(corpus.visits * drugs);
  const held = new Float32Array(corpus.visits);
  eachFeature(corpus, (visit, feature) => {
    held[visit]! += 1;
    for (let drug = 0; drug < drugs; drug += 1)
      values[visit * drugs + drug]! += together[feature * drugs + drug]!;
  });
  for (let visit = 0; visit < corpus.visits; visit += 1)
    for (let drug = 0; drug < drugs; drug += 1) {
      const at = visit * drugs + drug;
      values[at] = held[visit] === 0 ? shares[drug]! : values[at]! / held[visit]!;
    }
  return { visits: corpus.visits, drugs, values };
}

function eachFeature(corpus: EncodedCorpus, see: (visit: number, feature: number) => void): void {
  for (let visit = 0; visit < corpus.visits; visit += 1)
    for (let i = corpus.starts[visit]!; i < corpus.starts[visit + 1]!; i += 1) see(visit, corpus.ids[i]!);
}

/** Opens the compiled knowledge tables: drugs, interactions, codes, texts, rules, molecules. Writes nothing and has no state. */

import { CoPrescriptions } from './co-prescription.ts';
import { Codes } from './codes.ts';
import { Drugs } from './drugs.ts';
import { Interactions } from './interactions.ts';
import type { Manifest } from './manifest.ts';
import { Molecules } from './molecules.ts';
import { type PatientRules, readPatientRules } from './patient-rules.ts';
import { type InteractionRule, readRules } from './rules.ts';
import { lazy, Tables } from './tables.ts';
import { Texts } from './texts.ts';

export interface Knowledge {
  /** Changes when any table changes. */
  readonly version: string;
  /** Changes when a pair, a level or a rule changes; stands beside every interaction rate. */
  readonly interactionVersion: string;
  readonly manifest: Manifest;
  readonly drugs: Drugs;
  readonly interactions: Interactions;
  readonly codes: Codes;
  readonly texts: Texts;
  readonly coPrescriptions: CoPrescriptions;
  readonly molecules: Molecules;
  readonly rules: () => ReadonlyMap<string, InteractionRule>;
  readonly patientRules: () => PatientRules;
  /** Checks the tables that are otherwise read on first use. */
  readonly verifyAll: () => void;
}

/**
 * Reads drugs, names and interactions at once, the rest on first use; each table's hash is checked when it is read.
 * @param directory resources/knowledge
 * @throws FlameError KNOWLEDGE_CORRUPT with the file, at once or on first use
 */
export function loadKnowledge(directory: string): Knowledge {
  const tables = new Tables(directory);
  const drugs = new Drugs(tables);
  const rules = lazy(() => readRules(tables));
  return {
    version: tables.manifest.version,
    interactionVersion: tables.manifest.interactionVersion,
    manifest: tables.manifest,
    drugs,
    interactions: Interactions.read(tables, drugs, rules),
    codes: new Codes(tables),
    texts: new Texts(tables),
    coPrescriptions: new CoPrescriptions(tables),
    molecules: new Molecules(tables),
    rules,
    patientRules: lazy(() => readPatientRules(tables)),
    verifyAll: () => tables.verifyAll(),
  };
}

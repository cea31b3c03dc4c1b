/** Computes Morgan fingerprints of the corpus drugs with RDKit, at compile time only. Ships no structure. */

import { createRequire } from 'node:module';
import type RDKitLoader from '@rdkit/rdkit';
import type { DrugTables } from './drugs.ts';
import { byCodeUnit, readTsv, type TableWriter } from './tables.ts';

/** Radius and size of the fingerprint; read by src/knowledge/molecules.ts from the table's header. */
export const FINGERPRINT = { radius: 2, bits: 1024 } as const;

/** One row a corpus drug with a structure: id and the bits in base64, least significant bit of each byte first. */
export async function compileMolecules(
  directory: string,
  tables: DrugTables,
  writer: TableWriter,
): Promise<void> {
  const load = createRequire(import.meta.url)('@rdkit/rdkit') as typeof RDKitLoader;
  const rdkit = await load();
  const details = JSON.stringify({ radius: FINGERPRINT.radius, nBits: FINGERPRINT.bits });
  const rows = new Map<string, string>();
  for (const row of readTsv(directory, 'structures.tsv.gz')) {
    const targets = tables.resolve(row['ingredient']!);
    const [id] = targets;
    if (targets.length !== 1 || id === undefined || !tables.corpus.has(id) || rows.has(id)) continue;
    const molecule = rdkit.get_mol(row['smiles']!);
    if (!molecule) continue;
    rows.set(id, Buffer.from(molecule.get_morgan_fp_as_uint8array(details)).toString('base64'));
    molecule.delete();
  }
  writer.tsv(
    'fingerprints.tsv.gz',
    ['drug', `morgan-radius-${FINGERPRINT.radius}-bits-${FINGERPRINT.bits}`],
    [...rows].sort(([a], [b]) => byCodeUnit(a, b)),
    ['drugcentral-structures'],
  );
}

/** Made-up visits with a simple rule from codes to drugs, for tests that need a corpus which can be learnt in seconds. */

import { writeFileSync } from 'node:fs';
import { Random } from '../../nn/random.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import type { LabelledVisit } from '../corpus.ts';

const DISEASES = [
  { code: '4019', drugs: ['lisinopril', 'hydrochlorothiazide', 'amlodipine'] },
  { code: '25000', drugs: ['metformin', 'glyburide', 'aspirin'] },
  { code: '2724', drugs: ['simvastatin', 'aspirin', 'niacin'] },
  { code: '49390', drugs: ['albuterol', 'fluticasone', 'montelukast'] },
];

/** Each visit has one or two diseases and most of their drugs; years 1995–2009, clinicians within the year. */
export function syntheticVisits(count: number, seed = 1): LabelledVisit[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, i) => {
    const year = 1995 + random.int(15);
    const diseases = random.shuffle([0, 1, 2, 3]).slice(0, 1 + random.int(2));
    const drugs = new Set(
      diseases.flatMap((disease) => DISEASES[disease]!.drugs.filter(() => random.uniform() < 0.8)),
    );
    return {
      id: `synthetic-${i}`,
      year,
      clinician: `${year}-${random.int(40)}`,
      context: {
        year,
        age: random.int(90),
        sex: random.uniform() < 0.5 ? 'F' : 'M',
        setting: 'office',
        specialty: '1',
        reasons: [],
        diagnoses: diseases.map((disease) => ({ system: 'ICD-9-CM', code: DISEASES[disease]!.code })),
        chronic: [],
        procedures: [],
        currentMedications: [],
        previousMedications: [],
      },
      drugs: [...drugs].map((drug) => asId<DrugId>(drug)),
    };
  });
}

/** The same visits as a file in the visit format. */
export function writeSyntheticCorpus(file: string, count: number): void {
  const lines = syntheticVisits(count).map(({ id, year, clinician, context, drugs }) =>
    JSON.stringify({
      visit: id,
      year,
      clinician,
      age: context.age,
      sex: context.sex,
      specialty: context.specialty,
      reasons: [],
      dx_system: 'ICD-9-CM',
      dx: context.diagnoses.map(({ code }) => code),
      chronic: [],
      procedures: [],
      drugs,
    }),
  );
  writeFileSync(file, `${lines.join('\n')}\n`);
}

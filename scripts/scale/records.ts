/**
 * Makes up patients and visits in any number, the same ones for the same seed: names from syllables, diagnoses and drugs
 * drawn as often as the compiled tables count them. For measuring only: nothing here resembles a course of disease.
 */

import { Tables } from '../../src/knowledge/tables.ts';
import type { Diagnosis, Patient, Visit } from '../../src/shared/domain.ts';
import { NO_MEASUREMENTS } from '../../src/shared/domain.ts';
import { asId, type DrugId, type PatientId, type VisitId } from '../../src/shared/ids.ts';
import { newId } from '../../src/engine/store/ids.ts';
import type { NewVisit } from '../../src/engine/store/visits.ts';

const SYLLABLES =
  'al an ar ba bel ber bo bra ca car cas da del den do el en er fa fer ga gar han hen is jan jo ka kel kim la lan lar le lin lo ma mar mel mi mo na nel ni no or os pa per ra ren ri ro sa san sen si so sta ta tel ti to va ver vi vo wa wel wi ya zan'.split(
    ' ',
  );
const ENDINGS = ['son', 'berg', 'ski', 'ova', 'man', 'ez', 'ley', 'ton', 'er', 'ini', 'sen', ''];
const NOTES = [
  'Seen for a check of blood pressure and weight.',
  'Reports less pain since the last visit; sleeps well.',
  'Cough for a week, no fever. Advised to return if it gets worse.',
  'Laboratory values discussed. Repeat in three months.',
  '',
];

export type Random = () => number;

/** Mulberry32: the same sequence for the same seed. */
export function generator(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws items as often as their weight says. */
class Weighted<Item> {
  readonly #items: readonly Item[];
  readonly #sums: readonly number[];

  constructor(entries: readonly (readonly [Item, number])[]) {
    let sum = 0;
    this.#items = entries.map(([item]) => item);
    this.#sums = entries.map(([, weight]) => (sum += weight));
  }

  draw(random: Random): Item {
    const wanted = random() * this.#sums.at(-1)!;
    let [low, high] = [0, this.#sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sums[middle]! > wanted) high = middle;
      else low = middle + 1;
    }
    return this.#items[low]!;
  }
}

export class RecordMaker {
  readonly #random: Random;
  readonly #drugs: Weighted<DrugId>;
  readonly #diagnoses: Weighted<Diagnosis>;

  /** @param knowledge folder of the compiled tables */
  constructor(knowledge: string, seed: number) {
    this.#random = generator(seed);
    const tables = new Tables(knowledge);
    const cells = (file: string) => tables.lines(file).map((line) => line.split('\t'));
    this.#drugs = new Weighted(
      cells('co-prescription.tsv.gz').map(([drug, visits]) => [asId<DrugId>(drug!), Number(visits)]),
    );
    // Half of the visits as they were coded before 2015, half as after; ICD-10-CM has no counts, so few codes are common.
    const counted = cells('diagnosis-counts.tsv.gz').map(
      ([code, visits]) => [{ system: 'ICD-9-CM' as const, code: code! }, Number(visits)] as const,
    );
    const total = counted.reduce((sum, [, visits]) => sum + visits, 0);
    const codes = cells('icd10cm.tsv.gz').map(([code]) => code!);
    const harmonic = codes.reduce((sum, _, index) => sum + 1 / (index + 1), 0);
    const stride = 7919; // A prime, so that common codes lie all over the table.
    const newer = codes.map(
      (_, index) =>
        [
          { system: 'ICD-10-CM' as const, code: codes[(index * stride) % codes.length]! },
          total / harmonic / (index + 1),
        ] as const,
    );
    this.#diagnoses = new Weighted<Diagnosis>([...counted, ...newer]);
  }

  name(): string {
    const word = (syllables: number, ending: string): string => {
      const text = Array.from({ length: syllables }, () => this.#pick(SYLLABLES)).join('') + ending;
      return text[0]!.toUpperCase() + text.slice(1);
    };
    return `${word(2, '')} ${word(2, this.#pick(ENDINGS))}`;
  }

  /** A patient with so many visits, about two months apart. */
  patient(number: number, visits: number): NewVisit[] {
    const sex = this.#random() < 0.55 ? 'F' : 'M';
    const birthYear = 1930 + Math.floor(this.#random() * 75);
    const id = newId<PatientId>();
    const newPatient: Patient = {
      id,
      name: this.name(),
      sourceId: `MRN${number}`,
      sex,
      birthYear,
      demo: false,
    };
    const lasting = this.#some(4, () => this.#diagnoses.draw(this.#random));
    const medication = this.#some(4, () => this.#drugs.draw(this.#random));
    const first = Date.UTC(2018, 0, 1) + Math.floor(this.#random() * 2500) * 86_400_000;
    return Array.from({ length: visits }, (_, index) => {
      const date = new Date(first + index * 61 * 86_400_000).toISOString().slice(0, 10);
      const prescribed = this.#some(3, () => this.#drugs.draw(this.#random));
      const year = Number(date.slice(0, 4));
      const acute = this.#some(2, () => this.#diagnoses.draw(this.#random));
      const visit: Visit = {
        id: newId<VisitId>(),
        patientId: id,
        sourceId: `V${number}-${index}`,
        date,
        dateKnown: true,
        context: {
          year,
          age: Math.max(0, year - birthYear),
          sex,
          setting: 'office',
          specialty: null,
          reasons: [],
          diagnoses: [...acute, ...lasting],
          chronic: [],
          procedures: [],
          currentMedications: medication,
          previousMedications: [],
        },
        ageMonths: null,
        allergies: this.#random() < 0.1 ? ['penicillin'] : [],
        notes: this.#pick(NOTES),
        prescribed,
        unmapped: [],
        pregnancy: 'unknown',
        lactation: 'unknown',
        measurements: { ...NO_MEASUREMENTS, systolic: 110 + Math.floor(this.#random() * 50) },
        medicationUse: [],
      };
      return index === 0 ? { visit, newPatient, demo: false } : { visit, demo: false };
    });
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)]!;
  }

  /** One to `most` different items. */
  #some<Item>(most: number, draw: () => Item): Item[] {
    return [...new Set(Array.from({ length: 1 + Math.floor(this.#random() * most) }, draw))];
  }
}

/**
 * eICU-CRD v2 tables → visits, one a unit stay. Column names from the public documentation. Reads patient, diagnosis,
 * medication and, where it is there, allergy; none of the charted values.
 */

import { BELIEVED } from '../../shared/check-input.ts';
import type { Sex } from '../../shared/domain.ts';
import type { DrugCode } from '../../knowledge/drug-reader.ts';
import { bounded, countDrugs, Mentions } from './codes.ts';
import type { Fact, SourceContext, SourceFile, SourceVisit, VisitSource } from './source.ts';
import { readTable, tableFile, type TableRow } from './tables.ts';

export const EICU_TABLES = ['patient', 'diagnosis', 'medication'] as const;

/** The age that stands for `> 89`. */
const OLDEST = 90;
/** The column holds `401.9, I10`: the first code of this form counts. */
const ICD9 = /^(?:\d{3}(?:\.\d{1,2})?|V\d{2}(?:\.\d{1,2})?|E\d{3}(?:\.\d)?)$/;
const PRIORITIES = ['Primary', 'Major', 'Other'];

interface StayFields {
  readonly id: string;
  readonly hospitalStay: string;
  readonly position: number;
  readonly hospital: string;
  readonly year: number;
  readonly age: string;
  readonly gender: string;
  readonly height: string;
  readonly weight: string;
}
type StayFact = readonly [kind: 's', stay: StayFields, file: string, line: number];
type CodeFact = readonly [
  kind: 'd',
  stay: string,
  priority: number,
  offset: number,
  id: number,
  code: string,
];
type OrderFact = readonly [kind: 'm', stay: string, name: string, code: string];
type AllergyFact = readonly [kind: 'l', stay: string, words: string];

export class EicuSource implements VisitSource {
  readonly format = 'eicu';
  readonly #files: readonly SourceFile[];
  readonly #prefix: string;

  constructor(files: readonly SourceFile[], { prefix }: { readonly prefix: string }) {
    this.#files = files;
    this.#prefix = prefix;
  }

  async *stage(context: SourceContext): AsyncGenerator<void> {
    const { staging, log, drugs } = context;
    const table = (name: string): SourceFile => tableFile(this.#files, name);
    const needed = ['patientunitstayid', 'patienthealthsystemstayid', 'gender', 'age', 'hospitalid'];
    const order = ['hospitaldischargeyear', 'unitvisitnumber', 'uniquepid'];
    yield* readTable(context, table('patient'), 'patient', [...needed, ...order], (row) => {
      const stay = stayOf(row);
      staging.put(`stay ${stay.id}`, row.get('uniquepid'));
      staging.add(row.get('uniquepid'), ['s', stay, row.file, row.line]);
    });

    const patientOf = lookUp(context);
    const file = (row: TableRow, kind: 'd' | 'm' | 'l', ...values: readonly unknown[]): void => {
      const stay = row.get('patientunitstayid');
      const patient = patientOf(stay);
      if (patient === null) log.leaveOut('rows of a unit stay that is not in patient');
      else staging.add(patient, [kind, stay, ...values]);
    };
    const codes = ['patientunitstayid', 'icd9code', 'diagnosispriority'];
    yield* readTable(context, table('diagnosis'), 'diagnosis', codes, (row) => {
      const code = row
        .get('icd9code')
        .split(',')
        .map((one) => one.trim())
        .find((one) => ICD9.test(one));
      if (code === undefined) log.leaveOut('diagnosis: no ICD-9-CM code in icd9code');
      else {
        const priority = PRIORITIES.indexOf(row.get('diagnosispriority'));
        const offset = Number(row.get('diagnosisoffset'));
        file(row, 'd', priority, offset, Number(row.get('diagnosisid')), code.replace('.', ''));
      }
    });
    const orders = ['patientunitstayid', 'drugname', 'drughiclseqno', 'drugordercancelled'];
    yield* readTable(context, table('medication'), 'medication', orders, (row) => {
      const [name, code] = [row.get('drugname'), row.get('drughiclseqno')];
      drugs.vote({ name, codes: hicl(code) });
      if (row.get('drugordercancelled').toLowerCase() === 'yes')
        log.leaveOut('medication: the order was cancelled');
      else file(row, 'm', name, code);
    });
    const allergies = tableFile(this.#files, 'allergy', false);
    if (!allergies) return;
    yield* readTable(context, allergies, 'allergy', ['patientunitstayid', 'allergyname'], (row) => {
      const words = row.get('allergyname').slice(0, 300);
      if (words === '') log.leaveOut('allergy: without a name');
      else file(row, 'l', words);
    });
  }

  visitsOf(patient: string, facts: readonly Fact[], context: SourceContext): SourceVisit[] {
    const { log } = context;
    const stays = facts.filter((fact): fact is Fact & StayFact => fact[0] === 's');
    stays.sort(
      ([, a], [, b]) =>
        a.year - b.year || Number(a.hospitalStay) - Number(b.hospitalStay) || a.position - b.position,
    );
    const rows = new Map(stays.map(([, { id }]) => [id, new UnitStay()]));
    for (const fact of facts)
      if (fact[0] !== 's') rows.get(fact[1] as string)?.add(fact as CodeFact | OrderFact | AllergyFact);
    return stays.flatMap(([, stay, file, line]) => {
      const age = stay.age === '> 89' ? OLDEST : Number(stay.age === '' ? NaN : stay.age);
      if (!Number.isInteger(age) || !Number.isInteger(stay.year)) {
        log.refuse(line, 'age or hospitaldischargeyear is no number', file);
        return [];
      }
      const { dx, drugs, allergies } = rows.get(stay.id)!.read(context);
      const visit: SourceVisit = {
        visit: `${this.#prefix}-${stay.id}`,
        patient: `${this.#prefix}-${patient}`,
        year: stay.year,
        clinician: `hospital-${stay.hospital}`,
        age,
        sex:
          ({ female: 'F', male: 'M' } as Readonly<Record<string, Sex>>)[stay.gender.toLowerCase()] ??
          'unknown',
        setting: 'intensive-care',
        reasons: [],
        dx_system: 'ICD-9-CM',
        dx,
        chronic: [],
        procedures: [],
        ...(allergies.length > 0 ? { allergies } : {}),
        ...measured('height', stay.height, log),
        ...measured('weight', stay.weight, log),
        current: [],
        drugs,
        origin: { file, line },
        episode: { id: stay.hospitalStay, position: stay.position },
      };
      return [visit];
    });
  }
}

class UnitStay {
  readonly #codes: CodeFact[] = [];
  readonly #drugs = new Mentions();
  readonly #allergies = new Set<string>();

  add(fact: CodeFact | OrderFact | AllergyFact): void {
    switch (fact[0]) {
      case 'd':
        this.#codes.push(fact);
        break;
      case 'm':
        this.#drugs.add(fact[2], hicl(fact[3]));
        break;
      case 'l':
        this.#allergies.add(fact[2]);
    }
  }

  /** Codes with the primary ones first, then by the time of entry. */
  read(context: SourceContext): {
    readonly dx: string[];
    readonly drugs: SourceVisit['drugs'];
    readonly allergies: string[];
  } {
    const drugs = this.#drugs.list();
    countDrugs(drugs, context);
    const sorted = [...this.#codes].sort((a, b) => a[2] - b[2] || a[3] - b[3] || a[4] - b[4]);
    return {
      dx: bounded(
        sorted.map((fact) => fact[5]),
        context.log,
        'diagnoses',
      ),
      drugs,
      allergies: bounded([...this.#allergies].sort(), context.log, 'allergies'),
    };
  }
}

function stayOf(row: TableRow): StayFields {
  return {
    id: row.get('patientunitstayid'),
    hospitalStay: row.get('patienthealthsystemstayid'),
    position: Number(row.get('unitvisitnumber')),
    hospital: row.get('hospitalid'),
    year: Number(row.get('hospitaldischargeyear')),
    age: row.get('age'),
    gender: row.get('gender'),
    height: row.get('admissionheight'),
    weight: row.get('admissionweight'),
  };
}

/** The patient of a stay; rows of one stay stand together in the release. */
function lookUp({ staging }: SourceContext): (stay: string) => string | null {
  let last = { stay: '', patient: null as string | null };
  return (stay) => {
    if (last.stay !== stay) last = { stay, patient: staging.get(`stay ${stay}`) };
    return last.patient;
  };
}

function hicl(code: string): DrugCode[] {
  return code === '' || code === '0' ? [] : [{ system: 'hicl', code }];
}

function measured(
  kind: 'height' | 'weight',
  written: string,
  log: SourceContext['log'],
): Partial<Pick<SourceVisit, 'height' | 'weight'>> {
  if (written === '') return {};
  const value = Number(written);
  const [lowest, highest] = BELIEVED[kind];
  if (value >= lowest && value <= highest) return { [kind]: value };
  log.leaveOut(`patient: admission${kind} outside what is believed`);
  return {};
}

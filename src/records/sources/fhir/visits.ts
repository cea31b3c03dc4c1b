/**
 * The facts of one FHIR patient → visits: what was recorded at each encounter, what was active when it began. Says of each
 * fact that finds no encounter that it was left out.
 */

import type { Measurements, Setting, Sex, VisitRecord } from '../../../shared/domain.ts';
import { wholeRecord } from './own-visit.ts';
import type { OwnEncounter } from './own.ts';
import { ageAt, endOf, time } from './times.ts';
import { bounded, countDrugs, dayOf, infantMonths, Mentions } from '../codes.ts';
import type { CountedMention, Fact, SourceContext, SourceVisit } from '../source.ts';
import type {
  AllergyFact,
  ConditionFact,
  Drug,
  DrugFact,
  EncounterFact,
  ObservationFact,
  PatientFact,
  ProcedureFact,
} from './facts.ts';

/** HL7 v3 ActEncounterCode */
const SETTINGS: Readonly<Record<string, Setting>> = {
  AMB: 'office',
  VR: 'office',
  EMER: 'emergency',
  IMP: 'inpatient',
  ACUTE: 'inpatient',
  NONAC: 'inpatient',
  OBSENC: 'inpatient',
  SS: 'inpatient',
};
const SEXES: Readonly<Record<string, Sex>> = { female: 'F', male: 'M' };
/** Encounters times what is looked at for each; no patient's life comes near it. */
const MOST_WORK = 20e6;
const LONGEST_NOTE = 20_000;

/** The field of a visit record for each measurement. */
const FIELDS: Readonly<Record<keyof Measurements, keyof VisitRecord>> = {
  creatinine: 'creatinine',
  weight: 'weight',
  height: 'height',
  systolic: 'systolic',
  diastolic: 'diastolic',
  heartRate: 'heart_rate',
  temperature: 'temperature',
};

export function visitsOfPatient(
  patient: string,
  facts: readonly Fact[],
  context: SourceContext,
): SourceVisit[] {
  const { log } = context;
  const [person, ...more] = of<PatientFact>(facts, 'Patient');
  const encounters = of<EncounterFact>(facts, 'Encounter').sort(
    (a, b) => time(a[3]) - time(b[3]) || (a[1] < b[1] ? -1 : 1),
  );
  if (encounters.length * facts.length > MOST_WORK) {
    const [, , , , , , file, line] = encounters[0]!;
    log.refuse(
      line,
      `patient ${patient} has ${encounters.length} encounters with ${facts.length} entries: too many`,
      file,
    );
    return [];
  }
  if (person && more.some((other) => !isSamePerson(person, other))) {
    for (const [, , , , , , file, line] of encounters)
      log.refuse(line, `Encounter: two people of different sex or birth date are called ${patient}`, file);
    return [];
  }
  const chart = new Chart(facts, encounters, context);
  const visits = encounters.flatMap((encounter): SourceVisit[] => {
    const [, key, kind, start, , , file, line, own = null] = encounter;
    const age = person ? (own?.age ?? ageAt(person[3], start)) : null;
    if (!person || age === null) {
      const why = !person ? 'is not in the file' : person[3] === '' ? 'has no birthDate' : 'was born later';
      log.refuse(line, `Encounter: its patient ${patient} ${why}, so the visit has no age`, file);
      return [];
    }
    const [, name, gender, , identifier] = person;
    const day = dayOf(start);
    return [
      {
        visit: own?.visit ?? `fhir-${key}`,
        patient: identifier ?? `fhir-${patient}`,
        ...(name === '' ? {} : { name: name.slice(0, 300) }),
        year: Number(start.slice(0, 4)),
        ...(day === null ? {} : { date: day }),
        age,
        ...infantMonths(own ? '' : person[3], start, age),
        sex: SEXES[gender] ?? 'unknown',
        setting: SETTINGS[kind.toUpperCase()] ?? 'unknown',
        ...(own === null ? recordedAt(encounter, chart) : chart.whole(encounter, own)),
        ...chart.measurements(encounter),
        origin: { file, line },
      },
    ];
  });
  chart.sayLeftOut(encounters.length > 0);
  return visits;
}

/** Files of two systems may give two people the same identifier; two versions of one person agree in these. */
function isSamePerson([, , sex, birth]: PatientFact, [, , otherSex, otherBirth]: PatientFact): boolean {
  const agree = (one: string, other: string): boolean => one.startsWith(other) || other.startsWith(one);
  const known = (gender: string): string => (SEXES[gender] === undefined ? '' : gender);
  return agree(known(sex), known(otherSex)) && agree(birth, otherBirth);
}

/** What a visit holds besides its measurements, gathered from the encounter and from what was active when it began. */
function recordedAt(encounter: EncounterFact, chart: Chart) {
  const [, , , start, end, words] = encounter;
  const { system, codes, wordsOnly } = chart.diagnoses(encounter);
  const notes = [words, ...(wordsOnly.length > 0 ? [`Without an ICD code: ${wordsOnly.join('; ')}`] : [])];
  return {
    reasons: [],
    dx_system: system,
    dx: codes,
    chronic: [],
    procedures: chart.procedures(encounter),
    allergies: chart.allergies(start, end),
    current: chart.current(encounter),
    drugs: chart.prescribed(encounter),
    notes: notes
      .filter((one) => one !== '')
      .join('. ')
      .slice(0, LONGEST_NOTE),
  };
}

class Chart {
  readonly #facts: readonly Fact[];
  readonly #conditions: readonly ConditionFact[];
  readonly #drugs: readonly DrugFact[];
  readonly #allergies: readonly AllergyFact[];
  readonly #procedures: readonly ProcedureFact[];
  readonly #observations: readonly ObservationFact[];
  readonly #context: SourceContext;
  /** Facts that became part of a visit. */
  readonly #used = new Set<Fact>();
  /** The encounter of each fact that names or dates one. */
  readonly #encounterOf = new Map<Fact, string>();

  constructor(facts: readonly Fact[], encounters: readonly EncounterFact[], context: SourceContext) {
    this.#context = context;
    this.#facts = facts;
    // In an order of their own: a bulk export has none, and comes in another one each time.
    this.#conditions = inOrder(of<ConditionFact>(facts, 'Condition'), ([, , codes, words, onset]) => [
      onset,
      words,
      JSON.stringify(codes),
    ]);
    this.#drugs = facts.filter(([kind]) =>
      ['Request', 'Statement', 'Administration'].includes(kind),
    ) as readonly Fact[] as DrugFact[];
    this.#allergies = inOrder(of<AllergyFact>(facts, 'Allergy'), ([, words, recorded]) => [recorded, words]);
    this.#procedures = inOrder(of<ProcedureFact>(facts, 'Procedure'), ([, , codes, when]) => [
      when,
      codes.join(),
    ]);
    this.#observations = inOrder(of<ObservationFact>(facts, 'Observation'), ([, , when, measured]) => [
      when,
      JSON.stringify(measured),
    ]);
    const keys = new Set(encounters.map(([, key]) => key));
    const dated: readonly (readonly [Fact, string | null])[] = [
      ...this.#drugs.map((fact) => [fact, fact[3]] as const),
      ...this.#procedures.map((fact) => [fact, fact[3]] as const),
      ...this.#observations.map((fact) => [fact, fact[2]] as const),
    ];
    for (const [fact, when] of dated) {
      const named = fact[1] as string | null;
      const key =
        named !== null && keys.has(named) ? named : when === null ? null : encounterAt(encounters, when);
      if (key !== null) this.#encounterOf.set(fact, key);
    }
    countDrugs(this.#mentions(this.#drugs), context);
    this.#used.clear();
    for (const condition of this.#conditions) {
      const [, , { ten, nine, snomed, chronic = [] }, words] = condition;
      if (
        ten.length + nine.length + chronic.length > 0 ||
        snomed.some((code) => context.conditionCodes(code) !== null)
      )
        continue;
      context.log.unmappedCondition(snomed[0] ?? words, words);
    }
  }

  /** An encounter that Flame wrote: what names it, in the order of the file, and nothing else. */
  whole([, key]: EncounterFact, own: OwnEncounter) {
    const here = this.#facts.filter(
      (fact) => fact[1] === key || (fact[0] === 'Allergy' && own.allergies.includes(fact[3] as string)),
    );
    for (const fact of here) this.#used.add(fact);
    return wholeRecord(own, here, (drugs) => this.#mentions(drugs), this.#context.log);
  }

  diagnoses([, key, , start, end]: EncounterFact): {
    readonly system: VisitRecord['dx_system'];
    readonly codes: string[];
    readonly wordsOnly: readonly string[];
  } {
    const here = this.#conditions.filter((fact) => fact[1] === key);
    const before = this.#conditions.filter((fact) => fact[1] !== key && isActive(fact, start, end));
    const all = [...here, ...before];
    for (const fact of all) this.#used.add(fact);
    const tens = all.map(([, , { ten, snomed }]) =>
      ten.length > 0 ? ten : snomed.flatMap((code) => this.#context.conditionCodes(code) ?? []),
    );
    // A visit has one coding system: ICD-9 codes count where there is no ICD-10 code at all.
    const tenth = tens.some((codes) => codes.length > 0);
    const codes = tenth ? tens : all.map(([, , { nine }]) => nine);
    const wordsOnly = all.flatMap((fact, at) => {
      const known =
        codes[at]!.length > 0 || fact[2].snomed.some((code) => this.#context.conditionCodes(code) !== null);
      return known || fact[3] === '' ? [] : [fact[3]];
    });
    return {
      system: tenth || all.every(([, , { nine }]) => nine.length === 0) ? 'ICD-10-CM' : 'ICD-9-CM',
      codes: bounded(codes.flat(), this.#context.log, 'diagnoses'),
      wordsOnly: [...new Set(wordsOnly)],
    };
  }

  procedures([, key]: EncounterFact): string[] {
    const here = this.#at(this.#procedures, key);
    return bounded(
      here.flatMap(([, , codes]) => codes),
      this.#context.log,
      'procedures',
    );
  }

  allergies(start: string, end: string | null): string[] {
    const until = Math.max(time(start), endOf(end ?? start));
    const known = this.#allergies.filter(([, , recorded]) => recorded === null || time(recorded) <= until);
    for (const fact of known) this.#used.add(fact);
    return bounded(
      known.map(([, words]) => words),
      this.#context.log,
      'allergies',
    );
  }

  prescribed([, key]: EncounterFact): CountedMention[] {
    const here = this.#at(this.#drugs, key).filter(([kind]) => kind !== 'Statement');
    return this.#mentions(here);
  }

  /** What is taken when the encounter begins: active requests of earlier ones, and statements that cover it. */
  current([, key, , start, end]: EncounterFact): CountedMention[] {
    const begins = time(start);
    const taken = this.#drugs.filter((fact) => {
      const [kind, , , from, to, active] = fact;
      if (kind === 'Administration') return false;
      const begun =
        from === null
          ? kind === 'Statement'
          : time(from) < (kind === 'Statement' ? endOf(end ?? start) : begins);
      if (!begun || (kind === 'Request' && this.#encounterOf.get(fact) === key)) return false;
      return to === null ? active : endOf(to) >= begins;
    });
    return this.#mentions(taken);
  }

  measurements([, key]: EncounterFact): Partial<SourceVisit> {
    const latest = new Map<string, unknown>();
    const here = this.#at(this.#observations, key).sort((a, b) => time(a[2] ?? '') - time(b[2] ?? ''));
    for (const [, , , measured] of here)
      for (const one of measured) {
        if ('problem' in one) continue;
        latest.set(one.kind === 'pregnancy' ? 'pregnancy' : FIELDS[one.kind], one.value);
      }
    const [systolic, diastolic] = [latest.get('systolic'), latest.get('diastolic')] as (number | undefined)[];
    if (systolic !== undefined && diastolic !== undefined && diastolic >= systolic) {
      latest.delete('systolic');
      latest.delete('diastolic');
      this.#context.log.leaveOut('Observation: a diastolic pressure that is not below the systolic one');
    }
    return Object.fromEntries(latest);
  }

  /** Counts what no encounter took up. */
  sayLeftOut(hasEncounters: boolean): void {
    const { log } = this.#context;
    const why = hasEncounters ? 'that belongs to no encounter' : 'of a patient without an encounter';
    const names: Readonly<Record<string, string>> = {
      Request: 'MedicationRequest',
      Statement: 'MedicationStatement',
      Administration: 'MedicationAdministration',
      Allergy: 'AllergyIntolerance',
    };
    const lists = [this.#conditions, this.#drugs, this.#allergies, this.#procedures, this.#observations];
    for (const fact of this.#drugs)
      if (!this.#resolve(fact[2])) log.leaveOut('Medication that is referred to and not in the file');
    for (const fact of lists.flat())
      if (!this.#used.has(fact)) log.leaveOut(`${names[fact[0]] ?? fact[0]} ${why}`);
  }

  #at<Kind extends Fact>(facts: readonly Kind[], key: string): Kind[] {
    const here = facts.filter((fact) => this.#encounterOf.get(fact) === key);
    for (const fact of here) this.#used.add(fact);
    return here;
  }

  #mentions(facts: readonly DrugFact[]): CountedMention[] {
    const mentions = new Mentions();
    for (const fact of facts) {
      this.#used.add(fact);
      const drug = this.#resolve(fact[2]);
      if (drug) mentions.add(drug.name, drug.codes);
    }
    return mentions.list();
  }

  #resolve(drug: Drug): Exclude<Drug, { ref: string }> | null {
    if (!('ref' in drug)) return drug;
    const stored = this.#context.staging.get(`Medication/${drug.ref}`);
    return stored === null ? null : (JSON.parse(stored) as Exclude<Drug, { ref: string }> | null);
  }
}

function of<Kind extends Fact>(facts: readonly Fact[], kind: Kind[0]): Kind[] {
  return facts.filter((fact) => fact[0] === kind) as Kind[];
}

function inOrder<Kind>(facts: readonly Kind[], keyOf: (fact: Kind) => readonly (string | null)[]): Kind[] {
  const keyed = facts.map((fact) => ({
    fact,
    key: keyOf(fact)
      .map((part) => part ?? '')
      .join('\u0000'),
  }));
  return keyed.sort((a, b) => (a.key === b.key ? 0 : a.key < b.key ? -1 : 1)).map(({ fact }) => fact);
}

/** The encounter during which something happened: the last that had begun and had not ended the day before. */
function encounterAt(encounters: readonly EncounterFact[], when: string): string | null {
  if (dayOf(when) === null) return null;
  const at = time(when);
  const found = encounters.findLast(([, , , start, end]) => {
    const day = when.slice(0, 10);
    return start.slice(0, 10) <= day && (end ?? start).slice(0, 10) >= day && time(start.slice(0, 10)) <= at;
  });
  return found?.[1] ?? null;
}

/** Began by the end of the encounter and had not ended when it began; without dates, what is said to be active is. */
function isActive(
  [, encounter, , , onset, abatement, active]: ConditionFact,
  start: string,
  end: string | null,
): boolean {
  if (onset !== null && time(onset) > (encounter === null ? endOf(end ?? start) : time(start))) return false;
  if (onset === null && encounter !== null) return false;
  return abatement === null ? active : time(abatement) > time(start);
}

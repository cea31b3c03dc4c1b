import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shippedKnowledge } from '../knowledge/fixture.ts';
import { lazy } from '../knowledge/tables.ts';
import { entryOf, measureNotes, noteCases } from './measure.ts';
import { PROBLEM_TERMS } from './problem-terms.ts';
import { NoteReader } from './read-note.ts';

const reader = lazy(() => new NoteReader(shippedKnowledge()));
const found = (note: string): string[] =>
  reader()
    .read(note)
    .mentions.map((mention) => entryOf(mention).join(' '));

describe('what a note says of a medication', () => {
  it.each([
    ['Takes lisinopril 10 mg daily.', 'present'],
    ['Stopped lisinopril because of cough.', 'stopped'],
    ['Lisinopril was discontinued.', 'stopped'],
    ['No longer taking lisinopril.', 'stopped'],
    ['Will start lisinopril 10 mg.', 'planned'],
    ['Consider lisinopril.', 'planned'],
    ['Was started on lisinopril.', 'present'],
    ['Not on lisinopril.', 'negated'],
    ['Never took lisinopril.', 'negated'],
    ['Plan:\nlisinopril 10 mg daily', 'planned'],
    ['Plan:\ncontinue lisinopril 10 mg daily', 'present'],
  ])('%s → %s', (note, status) => {
    expect(found(note)).toEqual([`medication ${status} lisinopril`]);
  });

  it('keeps strength, route and frequency as they are written', () => {
    const [mention] = reader().read('- Toprol XL 50 mg by mouth once daily, with breakfast').mentions;
    expect(mention).toMatchObject({
      kind: 'medication',
      directions: { dose: '50 mg', route: 'by mouth', frequency: 'once daily' },
    });
  });

  it('is stopped even where another line lists it', () => {
    expect(found('Meds: warfarin 5 mg daily\nPlan: stop warfarin')).toEqual(['medication stopped warfarin']);
  });

  it('takes laboratory results for no drug', () => {
    expect(found('Potassium 4.2, sodium 140, lithium level 0.8')).toEqual([]);
    expect(found('Meds: lithium 300 mg bid')).toEqual(['medication present lithium']);
  });
});

describe('what a note says of a diagnosis', () => {
  it.each([
    ['Asthma.', 'present'],
    ['Denies asthma.', 'negated'],
    ['Asthma: denied', 'negated'],
    ['No cough, fever or asthma.', 'negated'],
    ['No fever but has asthma.', 'present'],
    ['Mother has asthma.', 'family'],
    ['Family History:\nasthma', 'family'],
    ['Possible asthma.', 'possible'],
    ['Asthma?', 'possible'],
    ['r/o asthma', 'possible'],
    ['h/o asthma', 'present'],
    ['Asthma in childhood.', 'past'],
    ['h/o asthma, resolved', 'past'],
    ['PMH: asthma', 'present'],
    ['No change in asthma.', 'present'],
  ])('%s → %s', (note, status) => {
    expect(found(note)).toEqual([`problem ${status} J45`]);
  });

  it('offers every reading of ambiguous words', () => {
    const [mention] = reader().read('s/p MI').mentions;
    expect(mention).toMatchObject({ diagnosis: { code: 'I252' }, others: [{ code: 'I219' }] });
  });

  it('has a title for every code of its own terms', () => {
    for (const code of new Set(Object.values(PROBLEM_TERMS).flat()))
      expect(shippedKnowledge().codes.title('ICD-10-CM', code), code).not.toBeNull();
  });
});

describe('allergies in a note', () => {
  it.each([
    ['Allergies: penicillin, codeine', ['allergy present penicillin', 'allergy present codeine']],
    ['Allergic to sulfa.', ['allergy present sulfa']],
    ['Penicillin allergy', ['allergy present penicillin']],
    ['Not allergic to codeine.', ['medication negated codeine']],
  ])('%s', (note, expected) => {
    expect(found(note)).toEqual(expected);
  });

  it('says when none are known', () => {
    for (const note of ['NKDA', 'Allergies: none', 'No known drug allergies.', 'Denies drug allergies'])
      expect(reader().read(note), note).toEqual({ mentions: [], noKnownAllergies: true });
    expect(reader().read('Allergies: codeine').noKnownAllergies).toBe(false);
  });
});

it('finds nearly all of the notes that the rules were written with, and nothing offered that denies itself', () => {
  const file = resolve(import.meta.dirname, '../../data/notes/development.json');
  const { cases } = noteCases.parse(JSON.parse(readFileSync(file, 'utf8')));
  expect(measureNotes(reader(), cases).differences).toEqual([]);
});

it('takes words that every object knows for words', () => {
  for (const word of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf'])
    expect(found(`Takes ${word} 5 mg daily. ${word}`), word).toEqual([]);
});

it('reads any text: places lie in the note, sentences hold their mentions, nothing is thrown', () => {
  const words = fc.constantFrom(
    'no',
    'denies',
    'warfarin 5 mg',
    'asthma',
    'PMH:',
    'Allergies:',
    '\n',
    '?',
    '.',
    'MI',
    '🔥',
    'ثلاثة',
    ';',
    'stop',
  );
  const notes = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words, { maxLength: 40 }).map((list) => list.join(' ')),
  );
  fc.assert(
    fc.property(notes, (note) => {
      let before = -1;
      for (const { from, to, sentence } of reader().read(note).mentions) {
        expect(from).toBeGreaterThanOrEqual(before);
        expect(sentence.from).toBeLessThanOrEqual(from);
        expect(from).toBeLessThan(to);
        expect(to).toBeLessThanOrEqual(sentence.to);
        expect(sentence.to).toBeLessThanOrEqual(note.length);
        before = from;
      }
    }),
    { numRuns: 300 },
  );
});

it('denies every term of its own after "denies", and takes it as said without', () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(PROBLEM_TERMS)), (term) => {
      const said = found(`Today ${term}`);
      expect(said).toHaveLength(1);
      expect(said[0]).toMatch(/^problem present/);
      expect(found(`Denies ${term}`)).toEqual([said[0]!.replace('present', 'negated')]);
    }),
    { numRuns: 200 },
  );
});

import { describe, expect, it } from 'vitest';
import { byProtocol, metricWords } from './metrics.ts';
import { asId, type DrugId } from '../../shared/ids.ts';
import { protocolSentence } from '../../shared/recommendation.ts';
import { GRID, RECOMMENDATION } from '../testing/fixtures.ts';
import { positionWords, turningPoints } from '../features/recommend/slider-words.ts';
import { changeInWords, listChange, pairsInWords, sentenceList } from './changes.ts';
import { errorWords } from './failures.ts';
import { frequency, percent, probabilityWord } from './probability.ts';
import { exclusionWords, frontWords, warningWords } from './recommendation.ts';
import { countInWords } from './severity.ts';
import { ageAndSex, bornAndSex, dateWords, measuredWords } from './visit.ts';

const id = (name: string): DrugId => asId<DrugId>(name);
const nameOf = (drug: DrugId): string => drug;

describe('ages', () => {
  it('says months under two years, and never that a child is 0 old', () => {
    expect([ageAndSex(61, 'F'), ageAndSex(1, 'M', 13), ageAndSex(0, 'M', 0), ageAndSex(0, 'F')]).toEqual([
      '61 y, female',
      '13 mo, male',
      'under 1 mo, male',
      'under 1 y, female',
    ]);
    expect(ageAndSex(null, 'unknown')).toBe('sex unknown');
    expect(bornAndSex({ birthYear: 1938, sex: 'F' })).toBe('b. 1938, female');
  });

  it('shows no more digits of a measurement than anybody measures', () => {
    expect([83.957, 106.485, 0.886, 3.25, 1.1].map(measuredWords)).toEqual([
      '84',
      '106',
      '0.886',
      '3.25',
      '1.1',
    ]);
  });
});

describe('changes', () => {
  it('names what came and what went', () => {
    const change = listChange([id('naproxen'), id('furosemide')], [id('furosemide'), id('lisinopril')]);
    expect(changeInWords(change, nameOf).replaceAll('\u00a0', ' ')).toBe('+ lisinopril, − naproxen');
    expect(changeInWords(listChange([id('a')], [id('a')]), nameOf)).toBe('');
  });

  it('says counts that moved and counts that stayed', () => {
    expect(pairsInWords(2, 0)).toBe('2 → 0 pairs to monitor or avoid');
    expect(pairsInWords(1, 1)).toBe('1 pair to monitor or avoid, as before');
    expect(sentenceList(['a', 'b', 'c'])).toBe('a, b and c');
  });
});

describe('the slider', () => {
  it('reads its positions and knows where the list changes', () => {
    expect(positionWords(GRID, 0)).toBe(
      'Position 1 of 11, most accurate: 5 drugs, 3 pairs to monitor or avoid',
    );
    expect(positionWords(GRID, 10)).toBe('Position 11 of 11, safest: 4 drugs, 0 pairs to monitor or avoid');
    expect(turningPoints(GRID)).toEqual([3, 7]);
  });
});

describe('probabilities', () => {
  it('never round to certainty or to nothing', () => {
    expect([0.004, 0.31, 0.996, 1].map(percent)).toEqual(['< 1 %', '31 %', '> 99 %', '100 %']);
    expect([0.8, 0.5, 0.25, 0.1, 0.05].map(probabilityWord)).toEqual([
      'very likely',
      'likely',
      'plausible',
      'possible',
      'uncommon',
    ]);
    expect(frequency(0.31)).toContain('3 of 10');
    expect(frequency(0.04)).toContain('4 of 100');
  });
});

describe('severities, warnings, exclusions', () => {
  it('count by word', () => {
    expect(countInWords([])).toBe('no interaction recorded');
    expect(countInWords([4])).toBe('1 pair: contraindicated');
    expect(countInWords([2, 3, 2])).toBe('3 pairs: 1 avoid combination, 2 monitor or adjust');
  });

  it('never let a drug that was not checked sound safe', () => {
    expect(warningWords({ kind: 'not-covered', drugs: [id('montelukast')] }, nameOf)).toContain(
      'does not mean safe',
    );
  });

  it('give the rule that keeps a drug off', () => {
    expect(exclusionWords({ kind: 'contraindicated-pair', with: id('nitroglycerin') }, nameOf)).toBe(
      'contraindicated with nitroglycerin',
    );
  });
});

describe('the measured front', () => {
  it('gives the point in use and its protocol', () => {
    const { front } = RECOMMENDATION;
    expect(front && frontWords(front.points[0]!)).toBe('In use: agreement 0.178, interaction rate 2.4 %.');
    expect(front && protocolSentence(front.protocol)).toContain('severity 2 or above in table flame-2026.11');
  });
});

describe('dates and errors', () => {
  it('claim no day that is not known', () => {
    expect(dateWords('2009-01-01', false)).toBe('2009');
    expect(dateWords('2009-03-14')).toBe('14 Mar 2009');
  });

  it('show an unknown code instead of nothing', () => {
    expect(errorWords({ code: 'SOMETHING_NEW', details: {} }).title).toContain('SOMETHING_NEW');
  });
});

describe('metrics of a model pack', () => {
  const metric = (name: string, protocol: string) => ({ name, value: 0.5, protocol });

  it('stand under their protocol, said once', () => {
    const [a, b, c] = [metric('prauc', 'one'), metric('f1Set', 'two'), metric('jaccardSet', 'one')];
    expect(byProtocol([a, b, c])).toEqual([
      ['one', [a, c]],
      ['two', [b]],
    ]);
  });

  it('have words, and keep a name that no word is known for', () => {
    expect(metricWords('prauc')).toBe('PRAUC (average precision)');
    expect(metricWords('toString')).toBe('toString');
    expect(metricWords('new metric')).toBe('new metric');
  });
});

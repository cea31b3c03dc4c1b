import { describe, expect, it } from 'vitest';
import { asId, type DrugId } from '../../shared/ids.ts';
import { placeEdgeLabels } from './edge-labels.ts';

const id = (name: string): DrugId => asId<DrugId>(name);
const edge = { key: 'a-b', a: id('a'), b: id('b'), labelWidth: 60 };

describe('placeEdgeLabels', () => {
  it('takes the middle of a free edge', () => {
    const places = new Map([
      [id('a'), { x: 0, y: 100 }],
      [id('b'), { x: 300, y: 100 }],
    ]);
    expect(placeEdgeLabels([edge], places, new Map()).get('a-b')).toEqual({ x: 150, y: 100 });
  });

  it('slides away from a node that stands on the edge', () => {
    const places = new Map([
      [id('a'), { x: 0, y: 100 }],
      [id('b'), { x: 300, y: 100 }],
      [id('c'), { x: 150, y: 100 }],
    ]);
    const label = placeEdgeLabels([edge], places, new Map([[id('c'), 50]])).get('a-b');
    expect(Math.abs((label?.x ?? 150) - 150)).toBeGreaterThan(30);
  });
});

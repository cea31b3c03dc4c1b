import { expect, it } from 'vitest';
import { flame, flameJson } from './flame.ts';

it('finds what a note names, and says what it is not given', async () => {
  const { document } = await flameJson<{ mentions: { kind: string; status: string }[] }>(['note', '-'], {
    input: 'Denies asthma. Takes warfarin 5 mg daily.',
  });
  expect(document.mentions.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
    'problem negated',
    'medication present',
  ]);
  const missing = await flame(['note', 'no-such-file.txt']);
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain('no-such-file.txt');
});

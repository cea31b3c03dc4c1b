/**
 * Gives every property test the same seed, so that a commit passes or fails alike on every machine. It does not look for new
 * counterexamples: `npm run test:seeds` does, with seeds of its own in FLAME_SEED.
 */

import fc from 'fast-check';

const given = process.env['FLAME_SEED'] ?? '20261128';
const seed = Number(given);
if (!Number.isInteger(seed)) throw new Error(`FLAME_SEED is "${given}"; give an integer`);
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });

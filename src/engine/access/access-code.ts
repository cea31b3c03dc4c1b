/** Recovery and emergency codes: drawn, written for people, and read back however they are typed. Keeps none. */

import { createHash, randomBytes } from 'node:crypto';
import { FlameError } from '../../shared/errors.ts';

/** Crockford's base 32: no I, L, O, U. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** 30 random digits, 150 bits, and two by which a slip of the pen is found before the slow check. */
const RANDOM_DIGITS = 30;
const CHECK_DIGITS = 2;
const GROUP = 4;

/** E.g. `7K2M-…`, eight groups of four. */
export function newAccessCode(): string {
  const random = [...randomBytes(RANDOM_DIGITS)].map((byte) => DIGITS[byte % DIGITS.length]!).join('');
  return grouped(random + checkOf(random));
}

/**
 * A code as it is kept in no file: the one spelling of what was typed.
 * @throws FlameError CODE_INVALID when it cannot be a code of Flame
 */
export function readAccessCode(typed: string): string {
  const digits = typed
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s–—_-]/g, '')
    .replace(/O/g, '0')
    .replace(/[IL]/g, '1');
  const random = digits.slice(0, RANDOM_DIGITS);
  const known = Array.from(digits).every((digit) => DIGITS.includes(digit));
  if (!known || digits.length !== RANDOM_DIGITS + CHECK_DIGITS || digits !== random + checkOf(random))
    throw new FlameError('CODE_INVALID');
  return grouped(digits);
}

function checkOf(random: string): string {
  const hash = createHash('sha256').update(`flame access code ${random}`).digest();
  return [...hash.subarray(0, CHECK_DIGITS)].map((byte) => DIGITS[byte % DIGITS.length]!).join('');
}

function grouped(digits: string): string {
  return digits.match(new RegExp(`.{${GROUP}}`, 'g'))!.join('-');
}

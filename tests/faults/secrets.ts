/** Passphrases of the account in the tests of keys, by number. */

export function secretNumber(number: number): string {
  return number === 0 ? 'a violet tractor sings' : `a violet tractor sings ${number}`;
}

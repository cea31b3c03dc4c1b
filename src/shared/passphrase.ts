/** What a passphrase must be like. Pure; the engine decides by it and the screen says it while one types. */

export const SHORTEST_PASSPHRASE = 12;
export const LONGEST_PASSPHRASE = 1024;

export type PassphraseProblem = 'short' | 'long' | 'name' | 'common' | 'repeated';

/** With fewer different characters than this it is a pattern, however long. */
const DIFFERENT = 5;

/**
 * What is guessed first: the heads of the published lists of leaked passwords, keyboard walks, the product. Compared
 * without capitals, digits at either end and signs, so that `Password-2026!` is one of them.
 */
const COMMON = new Set(
  (
    'password passwort passphrase passwordpassword passwortpasswort mypassword yourpassword thepassword letmein ' +
    'letmeinnow letmeinplease welcome welcomeback willkommen hello hallo hallohallo helloworld hallowelt iloveyou ' +
    'ichliebedich iloveyouforever loveyou princess prinzessin sunshine sonnenschein superman batman spiderman ' +
    'starwars pokemon football fussball baseball basketball liverpool chelsea arsenal barcelona bayern bayernmunich ' +
    'schalke borussia dragon dragonfly monkey shadow master michael jennifer charlie jordan michelle daniel computer ' +
    'internet security sicherheit secret geheim topsecret strenggeheim trustno trustnoone administrator administrador ' +
    'admin adminadmin root rootroot user username default changeme changemenow changeit test testtest testing tester ' +
    'temp temporary guest gast login anmelden access zugang zugriff qwerty qwertyuiop qwertyqwerty qwertyuiopasdf ' +
    'qwertyuiopasdfghjkl qwertz qwertzuiop qwertzqwertz qwertzuiopasdf qwertzuiopasdfghjkl asdfghjkl asdfghjklasdfghjkl ' +
    'asdfasdf asdfasdfasdf yxcvbnm zxcvbnm zxcvbnmzxcvbnm azerty azertyuiop qazwsx qazwsxedc qazwsxedcrfv qaywsx ' +
    'qaywsxedc abcdef abcdefg abcdefgh abcdefghij abcdefghijkl abcdefghijklm abcabc abcabcabc aaaaaa google facebook ' +
    'microsoft windows apple samsung linkedin youtube flame flameflame hospital krankenhaus klinik klinikum clinic ' +
    'doctor doktor arzt aerztin praxis arztpraxis nurse schwester medicine medizin medication patient patients ' +
    'patienten health gesundheit pharmacy apotheke correcthorsebatterystaple correcthorsebattery opensesame ' +
    'sesamoeffnedich whatever nothing ficken fuckyou fuckyoufuckyou killer hunter summer sommer winter spring ' +
    'fruehling autumn herbst january januar monday montag december dezember germany deutschland austria ' +
    'oesterreich switzerland schweiz america berlin hamburg muenchen london newyork'
  ).split(' '),
);

/** @param names of the account, none of which may be in it */
export function passphraseProblem(passphrase: string, names: readonly string[]): PassphraseProblem | null {
  const letters = Array.from(passphrase.normalize('NFKC'));
  if (letters.length < SHORTEST_PASSPHRASE) return 'short';
  if (letters.length > LONGEST_PASSPHRASE) return 'long';
  const plain = letters.join('').toLowerCase();
  if (new Set(plain).size < DIFFERENT) return 'repeated';
  const parts = names.flatMap((name) =>
    name
      .normalize('NFKC')
      .toLowerCase()
      .split(/[\s,.;·-]+/),
  );
  if (parts.some((part) => Array.from(part).length >= 3 && plain.includes(part))) return 'name';
  if (isSequence(plain) || COMMON.has(core(plain))) return 'common';
  return null;
}

/** Without what is put around a word to please a rule: digits at either end, spaces and signs anywhere. */
function core(plain: string): string {
  return plain.replace(/[^\p{L}\d]/gu, '').replace(/^\d+|\d+$/g, '');
}

/** `123456789012` or `987654321098`: each digit or letter follows from the one before. */
function isSequence(plain: string): boolean {
  const steps = Array.from(plain)
    .slice(1)
    .map((letter, index) => letter.codePointAt(0)! - plain.codePointAt(index)!);
  const walks = (step: number): boolean =>
    steps.filter((one) => one === step || one === -9 * step).length >= steps.length - 1;
  return walks(1) || walks(-1);
}

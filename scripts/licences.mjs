/** `npm run licences`: lists the licences of what Flame is made of, and fails on one that is not allowed. */
import { dependencies, refusedLicences } from './lib/dependencies.mjs';
import { say } from './lib/process.mjs';

const all = dependencies();
for (const [what, isShipped] of [
  ['given to users', true],
  ['tools of development', false],
]) {
  const counts = new Map();
  for (const { licence, shipped } of all)
    if (shipped === isShipped) counts.set(licence, (counts.get(licence) ?? 0) + 1);
  console.log(`${what}: ${[...counts].map(([licence, n]) => `${n} ${licence}`).join(', ')}`);
}
const refused = refusedLicences(all);
for (const { name, version, licence, shipped } of refused)
  say(
    `${name} ${version} (${shipped ? 'given to users' : 'tool'}) has the licence ${licence ?? '(none stated)'}, which is not allowed`,
  );
process.exitCode = refused.length === 0 ? 0 : 1;

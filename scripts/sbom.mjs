/**
 * `npm run sbom [-- FILE]`: writes what Flame is made of as CycloneDX JSON (npm's own list, release/flame.cdx.json unless
 * told otherwise), each component marked by whether its code reaches users.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { dependencies } from './lib/dependencies.mjs';
import { ROOT, capture, say } from './lib/process.mjs';

const file = resolve(process.argv[2] ?? join(ROOT, 'release/flame.cdx.json'));
const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const text = capture(['npm', 'sbom', '--sbom-format', 'cyclonedx'], { maxBuffer: 2 ** 27 });
if (text === null) {
  say('npm could not list the packages: run npm ci first');
  process.exit(1);
}
const sbom = JSON.parse(text);
const known = new Map(dependencies().map((one) => [`${one.name}@${one.version}`, one]));
sbom.metadata.component = { ...sbom.metadata.component, type: 'application', name, version };
let shipped = 0;
for (const component of sbom.components) {
  const found = known.get(
    `${component.group ? `${component.group}/` : ''}${component.name}@${component.version}`,
  );
  const isShipped = found?.shipped ?? false;
  if (isShipped) shipped += 1;
  component.properties = [
    ...(component.properties ?? []).filter((property) => property.name !== 'cdx:npm:package:development'),
    { name: 'flame:given-to-users', value: String(isShipped) },
  ];
  if (!component.licenses?.length && found?.licence)
    component.licenses = [{ license: { id: found.licence } }];
}
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(sbom, null, 2)}\n`);
say(`${sbom.components.length} components, ${shipped} of them given to users: ${file}`);

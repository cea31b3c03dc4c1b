/** electron-builder's hook: drops Electron's sample app, and marks and completes a package built on the registry runtime. */
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export default function afterPack({ appOutDir }) {
  const resources = join(appOutDir, 'resources');
  rmSync(join(resources, 'default_app.asar'), { force: true });
  const binding = process.env.FLAME_SQLITE_BINDING;
  if (!binding) return;
  copyFileSync(
    binding,
    join(resources, 'app.asar.unpacked/node_modules/better-sqlite3/prebuilds/linux-x64.node'),
  );
  writeFileSync(
    join(appOutDir, 'NOT-FOR-DISTRIBUTION.txt'),
    'Built on a third party repackaging of Electron, to test packaging where the real one cannot be downloaded.\n',
  );
}

/**
 * What upstream's default_app.asar does for `electron [-r module] PATH [arguments]`, and no more. It must be a module
 * with top-level await: Electron holds `ready` back until the entry module has loaded.
 */
import { readFileSync, statSync } from 'node:fs';
import Module from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { app } from 'electron';

const args = process.argv.slice(1);
const preloaded = [];
let target;
for (let i = 0; i < args.length && target === undefined; i++) {
  if (args[i] === '-r' || args[i] === '--require') preloaded.push(args[++i]);
  else if (!args[i].startsWith('-')) target = resolve(args[i]);
}

if (target === undefined) {
  console.error('usage: electron PATH');
  app.exit(2);
} else {
  try {
    if (preloaded.length > 0) Module._preloadModules(preloaded);
    process.defaultApp = true;
    await import(pathToFileURL(entryOf(target)).toString());
  } catch (error) {
    console.error('The app threw an error while loading:\n', error);
    app.exit(1);
  }
}

function entryOf(path) {
  if (!path.endsWith('.asar') && !statSync(path).isDirectory()) return path;
  const { version, productName, name, main } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  if (version) app.setVersion(version);
  if (productName ?? name) app.setName(productName ?? name);
  app.setAppPath(path);
  return join(path, main ?? 'index.js');
}

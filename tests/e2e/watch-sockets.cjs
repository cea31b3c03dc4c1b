/**
 * Loaded into every Node process of the app under test before its own code: writes down each socket that
 * is connected, listened on or sent from, and each name that is looked up. Prevents nothing.
 */
/* eslint-disable @typescript-eslint/no-require-imports -- `--require` loads CommonJS */
const { appendFileSync } = require('node:fs');
const dgram = require('node:dgram');
const dns = require('node:dns');
const net = require('node:net');

const file = process.env.FLAME_E2E_SOCKETS;
const write = (what) => appendFileSync(file, `${process.type ?? 'node'} ${what}\n`);
write('is watched');
// Handed on to the engine, which the shell starts with its own environment.
process.env.NODE_OPTIONS = `--require ${__filename}`;

function watch(owner, name) {
  const original = owner[name];
  owner[name] = function watched(...args) {
    write(
      `${name}: ${args.map((arg) => (typeof arg === 'object' ? JSON.stringify(arg) : String(arg))).join(' ')}`,
    );
    return original.apply(this, args);
  };
}

watch(net.Socket.prototype, 'connect');
watch(net.Server.prototype, 'listen');
for (const name of ['bind', 'connect', 'send']) watch(dgram.Socket.prototype, name);
for (const owner of [dns, dns.promises])
  for (const name of Object.keys(owner))
    if (/^(lookup|resolve|reverse)/.test(name) && typeof owner[name] === 'function') watch(owner, name);

/**
 * The unfinished folder of a restore, and what a killed restore left of one. Removes nothing that does not carry Flame's own
 * mark, nor anything that a living restore works in.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { isRunning } from '../publish.ts';

const NAME = /\.restoring-[0-9a-f]{8}$/;
const MARK_FILE = 'restoring.json';
const Mark = z.strictObject({ flame: z.literal('restore'), process: z.int(), computer: z.string() });
/** Of another computer nobody can tell whether it is still at work; a restore takes minutes. */
const LONGEST_MS = 24 * 3_600_000;

/** Makes the folder in which `target` is built, beside it. @returns its path */
export function beginStage(target: string): string {
  const stage = `${target}.restoring-${randomBytes(4).toString('hex')}`;
  mkdirSync(stage, { recursive: true, mode: 0o700 });
  const mark: z.infer<typeof Mark> = { flame: 'restore', process: process.pid, computer: hostname() };
  writeFileSync(join(stage, MARK_FILE), JSON.stringify(mark), { mode: 0o600 });
  return stage;
}

/** Takes the mark off the finished folder. */
export function endStage(folder: string): void {
  rmSync(join(folder, MARK_FILE), { force: true });
}

export function removeStage(stage: string): void {
  rmSync(stage, { recursive: true, force: true });
}

/** Removes what killed restores left in `folder`. @returns the names that were removed */
export function removeDeadStages(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const dead = readdirSync(folder).filter((name) => NAME.test(name) && isDead(join(folder, name)));
  for (const name of dead) removeStage(join(folder, name));
  return dead;
}

function isDead(stage: string): boolean {
  const file = join(stage, MARK_FILE);
  try {
    const mark = Mark.parse(JSON.parse(readFileSync(file, 'utf8')));
    if (mark.computer === hostname() && !isRunning(mark.process)) return true;
    return Date.now() - statSync(file).mtimeMs > LONGEST_MS;
  } catch {
    return false;
  }
}

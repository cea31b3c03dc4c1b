/** Finds the network sockets of a process and of all below it, as Linux lists them. Unix sockets do not count: they stay on the machine. */

import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

export interface OpenSocket {
  readonly pid: number;
  readonly command: string;
  readonly kind: string;
  /** Hexadecimal address and port, as in /proc/net. */
  readonly local: string;
  readonly remote: string;
  readonly listens: boolean;
}

/** The process and every one below it. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    if (stat !== null) parents.set(Number(name), Number(/\) \S (\d+)/.exec(stat)?.[1]));
  }
  const isBelow = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (at === root) return true;
    return false;
  };
  return [...parents.keys()].filter(isBelow);
}

/** @param pids of processes in one network namespace */
export function networkSockets(pids: readonly number[]): OpenSocket[] {
  return pids.flatMap((pid) => {
    const inodes = socketInodes(pid);
    if (inodes.size === 0) return [];
    const command = (read(`/proc/${pid}/cmdline`) ?? '').split('\0').slice(0, 3).join(' ');
    return ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6'].flatMap((kind) =>
      (read(`/proc/${pid}/net/${kind}`) ?? '')
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter((columns) => inodes.has(columns[9] ?? ''))
        .map(([, local, remote, state]) => ({
          pid,
          command,
          kind,
          local: local ?? '',
          remote: remote ?? '',
          listens: state === '0A',
        })),
    );
  });
}

function socketInodes(pid: number): Set<string> {
  const found = new Set<string>();
  try {
    for (const descriptor of readdirSync(`/proc/${pid}/fd`)) {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
        if (inode !== undefined) found.add(inode);
      } catch {
        // closed meanwhile
      }
    }
  } catch {
    // ended meanwhile
  }
  return found;
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

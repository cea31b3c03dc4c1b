/**
 * The bytes of a picked file as a stream, unpacked when they are gzip (told by content, not by name). Refuses what is no
 * text file and what unpacks without end. Knows no format and keeps nothing in memory.
 */

import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { createGunzip } from 'node:zlib';
import { FlameError } from '../shared/errors.ts';

/** Clinical text shrinks to a tenth, rarely to a fiftieth: what unpacks to more than this many times its size is a bomb. */
const HIGHEST_RATIO = 250;
/** Below this, nothing is a bomb. */
const RATIO_FROM_BYTES = 16 * 1024 * 1024;
/** Packed bytes that are unpacked at once: even at deflate's limit of 1,032 to 1 they need 16 MiB. */
const SLICE = 16 * 1024;

export class FileBytes {
  readonly path: string;
  /** Bytes of the file read so far, compressed ones for gzip. */
  bytesRead = 0;
  /** The compressed file ends early or is damaged; everything before the damage was delivered. */
  damaged = false;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * @throws FlameError FILE_NOT_READABLE when it cannot be opened or read, INVALID_INPUT when it is UTF-16 text, an
   * archive, packed twice, or unpacks to more than 250 times its size
   */
  async *chunks(): AsyncGenerator<Buffer> {
    const input = createReadStream(this.path);
    try {
      yield* this.#unpacked(this.#counted(input));
    } catch (cause) {
      if (cause instanceof FlameError) throw cause;
      throw new FlameError('FILE_NOT_READABLE', { file: basename(this.path) }, { cause });
    } finally {
      input.destroy();
    }
  }

  async *#counted(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of input) {
      this.bytesRead += chunk.length;
      yield chunk;
    }
  }

  async *#unpacked(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
    const head = await atLeast(chunks, 4);
    const [first, second] = head;
    if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
      throw new FlameError('INVALID_INPUT', { problem: 'the file is UTF-16 text; save it as UTF-8' });
    }
    if (head.toString('latin1', 0, 4) === 'PK\u0003\u0004') {
      throw new FlameError('INVALID_INPUT', {
        problem: 'the file is a ZIP archive; unpack it first, then pick the folder',
      });
    }
    if (first !== 0x1f || second !== 0x8b) {
      yield head;
      yield* chunks;
      return;
    }
    let unpacked = 0;
    for await (const chunk of this.#gunzipped(head, chunks)) {
      if (unpacked === 0 && chunk[0] === 0x1f && chunk[1] === 0x8b)
        throw new FlameError('INVALID_INPUT', {
          problem: 'the file is packed with gzip twice; unpack it once',
        });
      unpacked += chunk.length;
      if (unpacked > RATIO_FROM_BYTES && unpacked > HIGHEST_RATIO * this.bytesRead) {
        throw new FlameError('INVALID_INPUT', {
          problem: `the compressed file unpacks to more than ${HIGHEST_RATIO} times its size and was not read on`,
        });
      }
      yield chunk;
    }
  }

  async *#gunzipped(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
    const gunzip = createGunzip();
    const ready: Buffer[] = [];
    gunzip.on('data', (chunk: Buffer) => ready.push(chunk));
    // After an error neither the callback of a write nor `end` comes.
    const failed = new Promise<void>((resolve) => {
      gunzip.once('error', () => {
        this.damaged = true;
        resolve();
      });
    });
    const write = (chunk: Buffer): Promise<void> =>
      Promise.race([failed, new Promise<void>((resolve) => gunzip.write(chunk, () => resolve()))]);
    const end = (): Promise<void> =>
      Promise.race([failed, new Promise<void>((resolve) => gunzip.once('end', resolve).end())]);
    try {
      let next: IteratorResult<Buffer, unknown> = { done: false, value: head };
      while (next.done !== true && !this.damaged) {
        yield* this.#slices(next.value, write, ready);
        next = await rest.next();
      }
      if (!this.damaged) {
        await end();
        yield* ready.splice(0);
      }
    } finally {
      gunzip.destroy();
    }
  }

  async *#slices(
    chunk: Buffer,
    write: (slice: Buffer) => Promise<void>,
    ready: Buffer[],
  ): AsyncGenerator<Buffer> {
    for (let start = 0; start < chunk.length; start += SLICE) {
      await write(chunk.subarray(start, start + SLICE));
      yield* ready.splice(0);
      if (this.damaged) return;
    }
  }
}

/** The first chunks joined until they hold `size` bytes, or all there is. */
async function atLeast(chunks: AsyncGenerator<Buffer>, size: number): Promise<Buffer> {
  let head = Buffer.alloc(0);
  while (head.length < size) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  return head;
}

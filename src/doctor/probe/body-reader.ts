import type { Readable } from 'node:stream';
import type { Answer } from '../facts.ts';

/** More of a body is not read: no answer of an MCP server to a question of ours is longer. */
const mostBytes = 1024 * 1024;
const mostArrivals = 200;

export interface ReadOptions {
  /** Moment of `performance.now()` from which times count. */
  readonly since: number;
  /** Milliseconds until the body has to have ended. */
  readonly deadline: number;
  /** Reads for so long and calls it enough: for streams that do not end. */
  readonly watch?: number;
  /** Whether what came is enough. */
  readonly isEnough?: (text: string) => boolean;
  /** Whether to write down when parts came. */
  readonly isStream: boolean;
}

export interface ReadBody extends Pick<Answer, 'bytes' | 'ended' | 'firstByte' | 'end' | 'arrivals'> {
  readonly text: string;
}

/** Reads a body within bounds, whatever the other side does. Never rejects. */
export function readBody(stream: Readable, options: ReadOptions): Promise<ReadBody> {
  const { since, isEnough, isStream } = options;
  const { promise, resolve } = Promise.withResolvers<ReadBody>();
  const arrivals: NonNullable<ReadBody['arrivals']>[number][] = [];
  let bytes = 0;
  let firstByte: number | undefined;
  let text = '';
  const decoder = new TextDecoder();
  const passed = (): number => Math.round((performance.now() - since) * 10) / 10;

  const timer = setTimeout(
    () => finish(options.watch === undefined ? 'timeout' : 'enough'),
    options.watch ?? options.deadline,
  );

  function finish(ended: ReadBody['ended']): void {
    clearTimeout(timer);
    stream.off('data', take);
    // Whatever comes later is of no interest, and an error without a listener would end the process.
    stream.on('error', () => undefined);
    resolve({
      text,
      bytes,
      ended,
      end: passed(),
      ...(firstByte === undefined ? {} : { firstByte }),
      ...(isStream ? { arrivals } : {}),
    });
  }

  function take(part: Buffer): void {
    firstByte ??= passed();
    bytes += part.length;
    text += decoder.decode(part, { stream: true });
    if (isStream && arrivals.length < mostArrivals) {
      arrivals.push({ at: passed(), bytes: part.length, comment: part[0] === 0x3a });
    }
    if (bytes > mostBytes || isEnough?.(text) === true) finish('enough');
  }

  stream.on('data', take);
  stream.once('end', () => finish('end'));
  stream.once('error', () => finish('cut'));
  stream.once('aborted', () => finish('cut'));
  stream.once('close', () => finish('cut'));
  return promise;
}

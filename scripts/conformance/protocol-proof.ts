import { z } from 'zod';

/** How many requests the gateway's access log shows by HTTP version. */
export interface ProtocolCount {
  readonly h1: number;
  readonly h2: number;
}

const lineSchema = z.object({ protocol: z.string() });

/** Counts access log lines: JSON, one a line, with the field `protocol`. */
export function countProtocols(log: string): ProtocolCount {
  let h1 = 0;
  let h2 = 0;
  for (const line of log.split('\n')) {
    if (!line.startsWith('{')) continue;
    const parsed = lineSchema.safeParse(parseJson(line));
    if (!parsed.success) continue;
    if (parsed.data.protocol === 'h2') h2++;
    else h1++;
  }
  return { h1, h2 };
}

/**
 * Why the log does not prove that a leg used the HTTP version it is named after, or nothing.
 * Only the `node:http` requests of the suite may stay on HTTP/1.1 in the h2 leg.
 */
export function findProtocolDoubt(
  leg: 'h1' | 'h2',
  count: ProtocolCount,
  rawRequests: number,
): string | undefined {
  const seen = `the access log shows ${count.h1} requests over HTTP/1.1 and ${count.h2} over HTTP/2`;
  if (leg === 'h1') return count.h1 > 0 && count.h2 === 0 ? undefined : seen;
  return count.h1 === rawRequests && count.h1 + count.h2 > 0
    ? undefined
    : `${seen}; ${rawRequests} had to stay on HTTP/1.1`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

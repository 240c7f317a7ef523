import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { connectRaw } from './raw-client.ts';
import type { ScriptedUpstream } from './scripted-upstream.ts';

/** A request of the table, and in words what the gateway has to do with it. */
export interface MalformedCase {
  readonly name: string;
  readonly raw?: string;
  readonly build?: string;
  /** What the gateway has to do, in words. */
  readonly gateway: string;
}

/** The 76 requests. */
export const malformedRequests: readonly MalformedCase[] = JSON.parse(
  await readFile(new URL('../fixtures/malformed-requests.json', import.meta.url), 'utf8'),
) as readonly MalformedCase[]; // The corpus is a file of this repository.

/** What must hold for a case, read from its sentence. */
interface Verdict {
  /** Statuses that are right; 200 stands for "accepted and answered by the upstream". */
  readonly statuses: readonly number[];
  readonly closes: boolean;
}

function readVerdict(sentence: string): Verdict {
  const statuses = [...sentence.matchAll(/\b[45]\d\d\b/g)].map(([text]) => Number(text));
  if (/^(reject, or|accept|100, then accept)/.test(sentence)) statuses.push(200, 400);
  if (/^(accept|100, then accept)/.test(sentence)) statuses.splice(statuses.indexOf(400), 1);
  return { statuses, closes: /and close|then close/.test(sentence) };
}

/** A body that is a message, so that an accepted request reaches the upstream; chunked ones keep their framing. */
const ping = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

/** Puts a case at the path and host of the gateway and swaps harmless two-byte bodies for a message. */
function adapt({ raw, name }: MalformedCase): string {
  if (raw === undefined) return `GET /mcp HTTP/1.1\r\nHost: a\r\n${'a: b\r\n'.repeat(2001)}\r\n`;
  let text = raw
    .replace(/^((?:\r\n)*\w+) \/( |\r)/, '$1 /mcp$2')
    .replace(/^(\w+) \/([#? ].*| b) /, '$1 /mcp$2 ');
  const accepted = ['Expect 100'].includes(name);
  if (accepted)
    text = text.replace('Content-Length: 2', `Content-Length: ${ping.length}`).replace(/ab$/, ping);
  if (name.startsWith('TE CHUNKED') || name === 'TE tab') {
    text = text.replace(/0\r\n\r\n$/, `${ping.length.toString(16)}\r\n${ping}\r\n0\r\n\r\n`);
  }
  return text;
}

/** Sends a request to a gateway that serves the host `a`, and looks whether answer and upstream are as its sentence says. */
export async function expectVerdict(
  entry: MalformedCase,
  gateway: { readonly port: number; readonly ca: string },
  upstream: ScriptedUpstream,
): Promise<void> {
  const verdict = readVerdict(entry.gateway);
  const before = upstream.requests.length;
  const client = await connectRaw(gateway);
  client.send(adapt(entry));
  const isFinal = (text: string): boolean => /(?:^|\r\n\r\n)HTTP\/1\.1 [2-5]\d\d [\s\S]*\r\n\r\n/.test(text);
  const answer = await client.until(isFinal);
  const status = Number(/HTTP\/1\.1 ([2-5]\d\d)/.exec(answer)?.[1]);
  expect(verdict.statuses).toContain(status);
  const forwarded = upstream.requests.slice(before);
  expect(forwarded).toHaveLength(status === 200 ? 1 : 0);
  if (verdict.closes || status !== 200) {
    expect(answer).toMatch(/\r\nconnection: close\r\n/);
    await client.closed();
  }
  for (const { head } of forwarded) {
    const names = head
      .split('\r\n')
      .slice(1)
      .map((line) => line.slice(0, line.indexOf(':')));
    expect(names).not.toContain('transfer-encoding');
    for (const name of ['expect', 'upgrade', 'http2-settings', 'connection'])
      expect(names).not.toContain(name);
    expect(names.some((name) => name.includes('_'))).toBe(false);
    expect(head).toContain('x-forwarded-for: 127.0.0.1');
    expect(head).not.toContain('1.1.1.1');
  }
  if (entry.name === 'Expect 100') expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  client.socket.destroy();
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFinalAnswers } from '../support/answers.ts';
import { buildCall } from '../support/messages.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { settle, startRig } from '../support/rig.ts';
import type { Answer } from '../support/scripted-upstream.ts';

const lines = [
  'Content-Length: 0',
  'Content-Length: 5',
  'content-length : 5',
  'Content-Length: +5',
  'Content-Length: 0x5',
  'Content-Length: 5, 5',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding:\x0bchunked',
  'Transfer_Encoding: chunked',
  ' Transfer-Encoding: chunked',
  'Connection: content-length, transfer-encoding',
  'Expect: 100-continue',
  'Upgrade: h2c',
  'X: a\nTransfer-Encoding: chunked',
  'X: a\rContent-Length: 0',
  'Host: evil',
];
const bytes = fc.constantFrom(
  '\r',
  '\n',
  '\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '0',
  '5',
  'f',
  '\x0b',
  '\x7f',
  '\xff',
  '\r\n\r\n',
);

const body = fc.nat(9999).map((id) => buildCall({ id }));
const request = fc
  .tuple(body, fc.constantFrom('length', 'chunks'), fc.option(fc.constantFrom(...lines)))
  .map(([text, framing, line]) => {
    const extra = line === null ? '' : `${line}\r\n`;
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\n${extra}`;
    if (framing === 'length') return `${head}Content-Length: ${text.length}\r\n\r\n${text}`;
    return `${head}Transfer-Encoding: chunked\r\n\r\n${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
  });
const mutation = fc.tuple(fc.nat(), fc.constantFrom('insert', 'delete', 'replace'), bytes);

function mutate(text: string, [place, kind, piece]: readonly [number, string, string]): string {
  const at = place % text.length;
  return text.slice(0, at) + (kind === 'delete' ? '' : piece) + text.slice(kind === 'insert' ? at : at + 1);
}

const idOf = (text: string): unknown => (JSON.parse(text) as { id?: unknown }).id;

describe('request-smuggling (CL.TE, TE.CL, TE.TE, CL.0 and whatever else a byte can do)', () => {
  it('each request at the upstream is a whole one of ours, and each answer is that of its own request', async () => {
    const clock = new ManualClock();
    const answer: Answer = ({ body: text, socket }) => {
      const reply = JSON.stringify({ jsonrpc: '2.0', id: idOf(text), result: {} });
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${reply.length}\r\n\r\n${reply}`);
    };
    await using rig = await startRig({ clock, answer });
    let forwarded = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(request, { minLength: 1, maxLength: 3 }),
        fc.array(mutation, { maxLength: 2 }),
        async (requests, mutations) => {
          rig.upstream.forget();
          const client = await rig.connect();
          client.send(mutations.reduce(mutate, requests.join('')));
          await settle();
          // Whatever still waits for more is given up.
          clock.advance(120_000);
          const answers = readFinalAnswers(await client.closed());
          const served = answers.filter(({ status }) => status === 200);
          expect(served.map(({ body: text }) => idOf(text))).toEqual(
            rig.upstream.requests.map(({ body: text }) => idOf(text)),
          );
          for (const { head } of rig.upstream.requests) {
            expect(head).toMatch(/^POST \/mcp(?:\?[\x21-\x7e]*)? HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\n/);
            const names = head.split('\r\n').map((line) => line.split(':')[0]);
            for (const name of ['transfer-encoding', 'connection', 'expect', 'upgrade'])
              expect(names).not.toContain(name);
            for (const name of ['host', 'content-length'])
              expect(names.filter((other) => other === name)).toHaveLength(1);
          }
          forwarded += served.length;
          refused += answers.filter(({ status }) => status >= 400).length;
        },
      ),
      { numRuns: 1500 },
    );
    expect(forwarded).toBeGreaterThan(100);
    expect(refused).toBeGreaterThan(100);
    expect(rig.gateway.problems).toEqual([]);
  }, 60_000);
});

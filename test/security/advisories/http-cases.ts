import { expect } from 'vitest';
import { answerJson } from '../../support/scripted-upstream.ts';
import { buildCall } from '../../support/messages.ts';
import { buildPost } from '../../support/raw-client.ts';
import { exchange, expectRefused, type AdvisoryCase, type AdvisoryRig } from './advisory-case.ts';
import { refusedCodings, refusedRequests } from './refused-requests.ts';

/** Cases of HTTP/1.1, of message bodies and of answers of an upstream. */
export function buildHttpCases(): readonly AdvisoryCase[] {
  return [
    ...refusedRequests.map(({ cve, name, bytes, statuses }) => ({
      cve,
      name,
      run: (rig: AdvisoryRig) => expectRefused(rig, bytes, statuses),
    })),
    ...refusedCodings.map(({ cve, name, bytes, statuses }) => ({
      cve,
      name,
      run: (rig: AdvisoryRig) => expectStatus(rig, bytes, statuses),
    })),
    ...['__proto__', 'constructor', 'hasOwnProperty', 'toString'].map((field) => ({
      cve: 'CVE-2026-21710',
      name: `a field named ${field}`,
      run: (rig: AdvisoryRig) => expectHarmlessField(rig, field),
    })),
    ...[100_000, 1_000_000].map((levels) => ({
      cve: 'CVE-2025-59466',
      name: `a body of ${levels} levels`,
      run: (rig: AdvisoryRig) => expectStatus(rig, buildPost('['.repeat(levels) + ']'.repeat(levels)), [400]),
    })),
    { cve: 'CVE-2026-21717', name: 'a body of keys whose hashes collide', run: expectNoHashFlood },
    {
      cve: 'CVE-2026-48931',
      name: 'two answers to one request',
      run: (rig) => expectOwnAnswers(rig, 'at once'),
    },
    {
      cve: 'CVE-2026-48931',
      name: 'an answer nobody asked for',
      run: (rig) => expectOwnAnswers(rig, 'later'),
    },
    { cve: 'CVE-2026-1525', name: 'an answer with two lengths in two letter cases', run: expectTwinRefused },
    { cve: 'CVE-2026-22036', name: 'an answer coded 100 times', run: expectUntouchedCoding },
  ];
}

async function expectStatus(rig: AdvisoryRig, bytes: string, statuses: readonly number[]): Promise<void> {
  const before = rig.upstream.requests.length;
  const { answers } = await exchange(rig, bytes);
  expect(statuses).toContain(answers[0]?.status);
  expect(rig.upstream.requests).toHaveLength(before);
}

async function expectHarmlessField(rig: AdvisoryRig, field: string): Promise<void> {
  const fields = `${field}: x\r\nX-Last: y\r\n`;
  const { answers } = await exchange(rig, buildPost(buildCall(), { fields }));
  expect(answers[0]?.status).toBe(200);
  const head = rig.upstream.requests.at(-1)?.head ?? '';
  expect(head).toContain('\r\nx-last: y');
  expect(head.includes(`\r\n${field.toLowerCase()}: x`)).toBe(!field.includes('_'));
}

/** V8 hashes short decimal names by their value, so they can be chosen to collide; others need its secret seed. */
async function expectNoHashFlood(rig: AdvisoryRig): Promise<void> {
  const count = 100_000;
  const time = async (toKey: (index: number) => string): Promise<number> => {
    const members = Array.from({ length: count }, (_, index) => `"${toKey(index)}":1`).join(',');
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{${members}}}}`;
    const { duration, answers } = await exchange(rig, buildPost(body));
    expect(answers[0]?.status).toBe(200);
    return duration;
  };
  const ordinary = await time((index) => `key${index}x`);
  const colliding = await time((index) => `${index * 1024}`);
  // A table that degrades to a list takes thousands of times as long.
  expect(colliding).toBeLessThan(10 * ordinary + 1000);
}

/**
 * An upstream that answers once too often must not have its second answer taken for that to another request. One that
 * comes later must find the connection idle, or nobody could tell it from the answer to the next request: so each turn
 * waits until the gateway has closed the connection.
 */
async function expectOwnAnswers(rig: AdvisoryRig, when: 'at once' | 'later'): Promise<void> {
  const build = (text: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
  let closed: Promise<unknown> = Promise.resolve();
  rig.answer = ({ body, socket }) => {
    closed = new Promise((resolve) => void socket.once('close', resolve));
    const own = build(`own ${readId(body)}`);
    const stray = build('stray');
    if (when === 'at once') socket.write(own + stray);
    else socket.write(own, () => void setImmediate(() => socket.write(stray)));
  };
  for (let id = 1; id <= 20; id++) {
    const { answers } = await exchange(rig, buildPost(buildCall({ id })));
    expect(answers.map(({ body }) => body)).toEqual([`own ${id}`]);
    await closed;
  }
}

function readId(body: string): string | undefined {
  return /"id":(\d+)/.exec(body)?.[1];
}

async function expectTwinRefused(rig: AdvisoryRig): Promise<void> {
  rig.answer = ({ socket }) =>
    void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 4\r\n\r\n{}{}');
  expect((await exchange(rig, buildPost(buildCall()))).answers[0]?.status).toBe(502);
  rig.answer = answerJson('{}');
  expect((await exchange(rig, buildPost(buildCall()))).answers[0]?.body).toBe('{}');
}

async function expectUntouchedCoding(rig: AdvisoryRig): Promise<void> {
  const codings = Array.from({ length: 100 }, () => 'gzip').join(', ');
  rig.answer = ({ socket }) =>
    void socket.write(
      `HTTP/1.1 200 OK\r\nContent-Encoding: ${codings}\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00`,
      'latin1',
    );
  const { answers } = await exchange(rig, buildPost(buildCall()));
  expect(answers[0]?.field('content-encoding')).toBe(codings);
  expect(answers[0]?.body).toBe('\x1f\x8b\x08\x00');
}

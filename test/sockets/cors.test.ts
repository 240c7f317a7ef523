import { describe, expect, it } from 'vitest';
import { buildKeys } from '../support/keys.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { startRig, type Rig } from '../support/rig.ts';
import { answerJson } from '../support/scripted-upstream.ts';
import type { ReceivedAnswer } from '../support/answers.ts';

const origin = 'https://app.example.com';
const changes = { origins: [origin] };
const answer = answerJson('{}');

function preflight(rig: Rig, fields: string): Promise<ReceivedAnswer> {
  return rig.ask(
    `OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: ${origin}\r\nAccess-Control-Request-Method: POST\r\n${fields}\r\n`,
  );
}

describe('a CORS preflight', () => {
  it('is answered here, without a key, and grants every header an MCP client sends', async () => {
    await using rig = await startRig({ answer, changes, auth: buildKeys().auth });
    const asked =
      'accept,Authorization, content-type,last-event-id,mcp-method,mcp-name,mcp-param-region,MCP-Protocol-Version,mcp-session-id,x-api-key';
    const granted = await preflight(rig, `Access-Control-Request-Headers: ${asked}\r\n`);
    expect(granted.status).toBe(204);
    expect(Object.fromEntries(granted.fields)).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
      'access-control-max-age': '7200',
      'access-control-allow-headers': asked.toLowerCase().replaceAll(/, ?/g, ', '),
      vary: 'Origin',
    });
    expect(granted.field('access-control-allow-credentials')).toBeUndefined();
    expect(granted.field('content-length')).toBeUndefined();
    expect(rig.upstream.connections).toBe(0);
  });

  it.each([
    ['x-forwarded-for, content-type', 'content-type'],
    ['cookie, x-anything', undefined],
    ['mcp-param-a b', undefined],
    ['*', undefined],
    ['', undefined],
  ])('that asks for %j is granted %j', async (asked, expected) => {
    await using rig = await startRig({ answer, changes });
    const granted = await preflight(rig, `Access-Control-Request-Headers: ${asked}\r\n`);
    expect(granted.status).toBe(204);
    expect(granted.field('access-control-allow-headers')).toBe(expected);
  });

  it('is no preflight without Origin or method: OPTIONS says what there is', async () => {
    await using rig = await startRig({ answer, changes });
    for (const fields of ['', `Origin: ${origin}\r\n`, 'Access-Control-Request-Method: POST\r\n']) {
      const received = await rig.ask(`OPTIONS /mcp HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`);
      expect(received.status).toBe(204);
      expect(received.field('allow')).toBe('GET, POST, DELETE, OPTIONS');
      expect(received.field('access-control-allow-methods')).toBeUndefined();
    }
  });
});

describe('an answer to an allowed origin', () => {
  const exposed = 'Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate, Retry-After';

  it("exposes the headers MCP needs, in place of the upstream's own CORS fields", async () => {
    await using rig = await startRig({
      changes,
      answer: ({ socket }) =>
        void socket.write(
          'HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n' +
            'Vary: Accept\r\nMcp-Session-Id: s\r\nContent-Length: 2\r\n\r\n{}',
        ),
    });
    const received = await rig.ask(buildPost(buildCall(), { fields: `Origin: ${origin}\r\n` }));
    expect(received.field('access-control-allow-origin')).toBe(origin);
    expect(received.field('access-control-expose-headers')).toBe(exposed);
    expect(received.field('access-control-allow-credentials')).toBeUndefined();
    expect(received.field('vary')).toBe('Origin, Accept');
    expect(received.field('mcp-session-id')).toBe('s');
    const plain = await rig.ask(buildPost(buildCall()));
    expect(plain.field('access-control-allow-origin')).toBeUndefined();
  });

  it.each([
    ['401', buildKeys().auth, buildPost(buildCall(), { fields: `Origin: ${origin}\r\n` })],
    ['400', undefined, buildPost('nonsense', { fields: `Origin: ${origin}\r\n` })],
    ['405', undefined, `PUT /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: ${origin}\r\n\r\n`],
  ])('is readable by the page when it is an error of ours too: %s', async (status, auth, request) => {
    await using rig = await startRig({ answer, changes, ...(auth === undefined ? {} : { auth }) });
    const received = await rig.ask(request);
    expect(`${received.status}`).toBe(status);
    expect(received.field('access-control-allow-origin')).toBe(origin);
    expect(received.field('access-control-expose-headers')).toBe(exposed);
  });
});

describe('Strict-Transport-Security', () => {
  it('is sent under public names only, and never taken from the upstream', async () => {
    const upstreamSays: typeof answer = ({ socket }) =>
      void socket.write(
        'HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=1\r\nContent-Length: 2\r\n\r\n{}',
      );
    const cases: [string[], string | undefined][] = [
      [[], undefined],
      [['mcp.example.test'], 'max-age=63072000'],
    ];
    for (const [domains, expected] of cases) {
      await using rig = await startRig({ answer: upstreamSays, changes: { domains } });
      for (const request of [
        buildPost(buildCall()),
        buildPost('nonsense'),
        'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n',
        'GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n',
      ]) {
        expect((await rig.ask(request)).field('strict-transport-security')).toBe(expected);
      }
    }
  });
});

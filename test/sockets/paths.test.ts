import { describe, expect, it } from 'vitest';
import { connectH2 } from '../support/h2-client.ts';
import { buildCall } from '../support/messages.ts';
import { buildSpellings } from '../support/path-spellings.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, startRig } from '../support/rig.ts';
import { answerJson } from '../support/scripted-upstream.ts';

const spellings = buildSpellings('mcp');
const answer = answerJson('{}');

describe(`path-confusion: ${spellings.length} spellings that are not /mcp`, () => {
  it('are more than 200', () => expect(spellings.length).toBeGreaterThan(200));

  it.each(['POST', 'GET', 'OPTIONS', 'DELETE'])(
    'over HTTP/1.1 %s end in 404 or 400, close, and reach no upstream',
    async (method) => {
      await using rig = await startRig({ answer });
      const wrong: string[] = [];
      // All of them as calls; the other methods take the same road, so a sample of them.
      const sample = method === 'POST' ? spellings : spellings.filter((_path, index) => index % 12 === 0);
      for (let at = 0; at < sample.length; at += 40) {
        await Promise.all(
          sample.slice(at, at + 40).map(async (path) => {
            const client = await rig.connect();
            const request = buildPost(buildCall(), { path: Buffer.from(path).toString('latin1') });
            client.send(
              method === 'POST'
                ? request
                : `${method} ${Buffer.from(path).toString('latin1')} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
            );
            const { status } = await receive(client);
            await client.closed();
            if (status !== 404 && status !== 400) wrong.push(`${path} ${status}`);
          }),
        );
      }
      expect(wrong).toEqual([]);
      expect(rig.upstream.connections).toBe(0);
    },
  );

  it('over HTTP/2 end in 404 or 400 and reach no upstream', async () => {
    await using rig = await startRig({ answer });
    using client = await connectH2(rig.gateway);
    const wrong: string[] = [];
    for (const path of spellings) {
      const exchange = client.post(buildCall(), { ':path': path });
      // The client itself refuses to send some of them.
      const status = await exchange.head.then(
        (head) => head[':status'],
        () => undefined,
      );
      if (status !== 404 && status !== 400 && status !== undefined) wrong.push(`${path} ${status}`);
    }
    expect(wrong).toEqual([]);
    expect(rig.upstream.connections).toBe(0);
  });

  it('behind a query change nothing: the path alone decides', async () => {
    await using rig = await startRig({ answer });
    for (const query of ['?/../x', '?%2e%2e/', '?//', '?;', '??', '?']) {
      expect((await rig.ask(buildPost(buildCall(), { path: `/mcp${query}` }))).status).toBe(200);
    }
    expect(rig.upstream.requests.map(({ head }) => head.split(' ')[1])).toEqual(
      ['?/../x', '?%2e%2e/', '?//', '?;', '??', '?'].map((query) => `/mcp${query}`),
    );
  });
});

describe('control: the paths that exist', () => {
  it('are /mcp and /mcp/, and both are /mcp upstream', async () => {
    await using rig = await startRig({ answer });
    for (const path of ['/mcp', '/mcp/'])
      expect((await rig.ask(buildPost(buildCall(), { path }))).status).toBe(200);
    expect(rig.upstream.requests.map(({ head }) => head.split(' ')[1])).toEqual(['/mcp', '/mcp']);
  });

  it('with a route at / are / alone', async () => {
    await using rig = await startRig({ answer, path: '/' });
    expect((await rig.ask(buildPost(buildCall(), { path: '/' }))).status).toBe(200);
    for (const path of ['//', '/x', '/mcp', '/.', '/%2e']) {
      expect([path, (await rig.ask(buildPost(buildCall(), { path }))).status]).toEqual([path, 404]);
    }
  });

  it('an unknown path is plain text, so that no client takes it for an answer of the server', async () => {
    await using rig = await startRig({ answer });
    const refused = await rig.ask(buildPost(buildCall(), { path: '/nothing' }));
    expect(refused.field('content-type')).toBe('text/plain; charset=utf-8');
    expect(refused.body).toBe('E_ROUTE_UNKNOWN: there is nothing at this path\n');
  });
});

import dns from 'node:dns';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { buildCall } from '../support/messages.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildPost } from '../support/raw-client.ts';
import { settle, startRig } from '../support/rig.ts';
import { buildRoute } from '../support/routes.ts';
import { answerJson, startScriptedUpstream } from '../support/scripted-upstream.ts';

type LookupAll = (
  name: string,
  options: dns.LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, found: dns.LookupAddress[]) => void,
) => void;

/** Makes the name `mcp-backend` stand for what `resolve` says at that moment. */
function nameService(resolve: () => string | undefined): void {
  const original = dns.lookup;
  const lookup: LookupAll = (name, options, done) => {
    if (name !== 'mcp-backend') {
      original(name, options, done);
      return;
    }
    const address = resolve();
    setImmediate(() => {
      if (address === undefined) done(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), []);
      else done(null, [{ address, family: 4 }]);
    });
  };
  // Node asks for all addresses, which is the overload of the function above.
  vi.spyOn(dns, 'lookup').mockImplementation(lookup as unknown as typeof dns.lookup);
}

describe('an upstream with a name, such as a Docker service', () => {
  afterEach(() => void vi.restoreAllMocks());

  it('is followed to its new address within a minute, even while it is called all the time', async () => {
    const old = await startScriptedUpstream(answerJson('"old"'));
    const moved = await startScriptedUpstream(answerJson('"new"'), { host: '127.0.0.2', port: old.port });
    let address = '127.0.0.1';
    nameService(() => address);
    const clock = new ManualClock();
    const route = buildRoute(old.port, { host: 'mcp-backend' });
    await using rig = await startRig({ clock, changes: { routes: [route] } });
    const call = async (): Promise<string> => (await rig.ask(buildPost(buildCall()))).body;
    expect(await call()).toBe('"old"');
    address = '127.0.0.2';
    const bodies: string[] = [];
    for (let second = 0; second < 64; second += 2) {
      clock.advance(2000);
      await settle();
      bodies.push(await call());
    }
    expect(bodies.slice(0, 29).every((body) => body === '"old"')).toBe(true);
    expect(bodies.slice(-2)).toEqual(['"new"', '"new"']);
    expect(moved.requests[0]?.head).toContain(`\r\nhost: mcp-backend:${old.port}\r\n`);
    await old.stop();
    await moved.stop();
  });

  it('is asked for anew as soon as its old address refuses', async () => {
    const moved = await startScriptedUpstream(answerJson('"new"'), { host: '127.0.0.2' });
    const addresses = ['127.0.0.1', '127.0.0.2'];
    nameService(() => addresses.shift());
    await using rig = await startRig({
      changes: { routes: [buildRoute(moved.port, { host: 'mcp-backend' })] },
    });
    expect((await rig.ask(buildPost(buildCall()))).body).toBe('"new"');
    expect(moved.requests).toHaveLength(1);
    await moved.stop();
  });

  it('that nobody knows is a 502', async () => {
    nameService(() => undefined);
    await using rig = await startRig({ changes: { routes: [buildRoute(1, { host: 'mcp-backend' })] } });
    const answer = await rig.ask(buildPost(buildCall({ id: 5 })));
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body)).toMatchObject({
      id: 5,
      error: { data: { reason: 'E_UPSTREAM_UNREACHABLE' } },
    });
  });
});

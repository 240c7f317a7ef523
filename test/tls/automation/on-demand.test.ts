import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import { createRig, day, hour, minute, type Rig, type RunningAutomation } from './rig.ts';

let rig: Rig;
let asked: string[];
let answer: (name: string, signal: AbortSignal) => Promise<boolean>;

beforeEach(async () => {
  rig = await createRig();
  asked = [];
  answer = () => Promise.resolve(true);
});
afterEach(() => rig.close());

async function open(
  options: { readonly perHour?: number; readonly names?: readonly string[] } = {},
): Promise<RunningAutomation> {
  const { perHour = 10, names = [] } = options;
  const running = await rig.open({
    names,
    tick: 10 * minute,
    onDemand: {
      perHour,
      ask(name, signal) {
        asked.push(name);
        return answer(name, signal);
      },
    },
  });
  running.automation.start();
  await running.automation.settled();
  return running;
}

describe('a name that nobody configured', () => {
  it('gets a certificate when it is allowed, with one question and one order for all who wait', async () => {
    const { automation, served } = await open();
    const all = await Promise.all(Array.from({ length: 20 }, () => automation.obtain('New.example.com')));
    expect(new Set(all)).toEqual(new Set([served[0]]));
    expect(served[0]?.facts.names).toEqual(['new.example.com']);
    expect(asked).toEqual(['new.example.com']);
    expect(rig.issuer.requests).toHaveLength(1);
    expect(await automation.obtain('new.example.com')).toBe(served[0]);
    expect(asked).toHaveLength(1);
  });

  it('gets none when it is refused, which is remembered for ten minutes', async () => {
    answer = () => Promise.resolve(false);
    const { automation } = await open();
    expect(await automation.obtain('no.example.com')).toBeUndefined();
    rig.clock.advance(9 * minute);
    expect(await automation.obtain('no.example.com')).toBeUndefined();
    expect(asked).toHaveLength(1);
    rig.clock.advance(2 * minute);
    await automation.obtain('no.example.com');
    expect(asked).toHaveLength(2);
    expect(rig.issuer.requests).toHaveLength(0);
    expect(await readdir(rig.stateDir)).not.toContain('certificates');
  });

  it('gets none, and nobody is asked, when it is no public host name', async () => {
    const { automation } = await open();
    for (const name of ['', 'localhost', '10.0.0.1', '*.example.com', '../../etc', 'a b.example']) {
      expect(await automation.obtain(name), name).toBeUndefined();
    }
    expect(asked).toEqual([]);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('ask is down'))],
    ['never answers', () => new Promise<boolean>(() => undefined)],
  ])('gets none while the question %s', async (_what, ask) => {
    answer = ask;
    const running = await open();
    const { automation } = running;
    const waiting = automation.obtain('new.example.com');
    await until(() => asked.length === 1);
    rig.clock.advance(11_000);
    expect(await waiting).toBeUndefined();
    expect(running.of('warning')).toHaveLength(1);
    answer = () => Promise.resolve(true);
    rig.clock.advance(61_000);
    expect(await automation.obtain('new.example.com')).toBeDefined();
  });

  it('says that the permission service is late, not the certificate authority', async () => {
    answer = () => new Promise<boolean>(() => undefined);
    const running = await open();
    const waiting = running.automation.obtain('new.example.com');
    await until(() => asked.length === 1);
    rig.clock.advance(11_000);
    await waiting;
    const [event] = running.of('warning');
    expect(event?.warning.message).toContain('the service that permits names did not answer within 10 s');
    expect(event?.warning.message).not.toContain('authority');
  });

  it('does not make a client wait for more than 20 seconds, and is obtained nevertheless', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    rig.issuer.onIssue = () => promise;
    const { automation, served } = await open();
    const waiting = automation.obtain('slow.example.com');
    await until(() => rig.issuer.requests.length === 1);
    rig.clock.advance(21_000);
    expect(await waiting).toBeUndefined();
    resolve(undefined);
    await automation.settled();
    expect(await automation.obtain('slow.example.com')).toBe(served[0]);
    expect(rig.issuer.requests).toHaveLength(1);
  });
});

describe('certificates by the thousand (denial of service)', () => {
  it('end at the limit of names in an hour, which is reported once', async () => {
    const running = await open({ perHour: 3 });
    const { automation } = running;
    for (let index = 0; index < 8; index++) await automation.obtain(`n${index}.example.com`);
    expect(rig.issuer.requests).toHaveLength(3);
    expect(running.of('warning')).toHaveLength(1);
    rig.clock.advance(hour + minute);
    expect(await automation.obtain('late.example.com')).toBeDefined();
  });

  it('are not asked for more than a few at a time', async () => {
    answer = () => new Promise<boolean>(() => undefined);
    const { automation } = await open();
    const waiting = Array.from({ length: 100 }, (_, index) => automation.obtain(`n${index}.example.com`));
    await nextTurn();
    expect(asked.length).toBeLessThanOrEqual(16);
    rig.clock.advance(21_000);
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([undefined]));
  });

  it('control: without the limit they are ordered', async () => {
    const { automation } = await open({ perHour: 1000 });
    for (let index = 0; index < 8; index++) await automation.obtain(`n${index}.example.com`);
    expect(rig.issuer.requests).toHaveLength(8);
  });
});

describe('a certificate that was obtained on demand', () => {
  it('serves after a restart, and is renewed only while it is allowed', async () => {
    const first = await open();
    await first.automation.obtain('new.example.com');
    await first.automation.close();
    const second = await open();
    expect(await second.automation.obtain('new.example.com')).toBeDefined();
    expect(asked).toHaveLength(1);
    await second.pass(60 * day + hour);
    expect(asked).toHaveLength(2);
    expect(second.served).toHaveLength(1);
    answer = () => Promise.resolve(false);
    await second.pass(91 * day);
    expect(second.served).toHaveLength(1);
    expect(second.automation.certificates()).toEqual([]);
  });

  it('is left alone without on-demand issuance', async () => {
    const first = await open();
    await first.automation.obtain('new.example.com');
    const second = await rig.open({ names: [] });
    expect(await second.automation.obtain('new.example.com')).toBeUndefined();
    expect(second.automation.certificates()).toEqual([]);
  });

  it('keeps nobody from starting where the folder cannot be read, which is told', async () => {
    await writeFile(join(rig.stateDir, 'certificates'), '');
    const running = await open();
    expect(running.of('warning').map(({ warning }) => warning)).toEqual([
      {
        severity: 'warning',
        code: 'E_STATE_UNWRITABLE',
        message: expect.stringContaining('certificates obtained on demand are not known: cannot read'),
      },
    ]);
    expect(running.automation.certificates()).toEqual([]);
  });
});

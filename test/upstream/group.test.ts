import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../src/http/deadlines.ts';
import { UpstreamGroup, type Balance, type Member } from '../../src/upstream/group.ts';
import { toServerKey } from '../../src/upstream/server.ts';
import { Standing } from '../../src/upstream/standing.ts';
import { ManualClock } from '../support/manual-clock.ts';

function build(
  weights: readonly number[],
  clock = new ManualClock(),
  balance: Balance = 'round_robin',
): UpstreamGroup<Member> {
  const deadlines = new Deadlines(clock);
  const servers = weights.map((weight, place) => ({
    key: `s${place}`,
    weight,
    limits: undefined,
    standing: new Standing(deadlines),
  }));
  return new UpstreamGroup(servers, { balance, clock });
}

function picks(group: UpstreamGroup<Member>, times: number): string {
  return Array.from({ length: times }, () => group.pick()?.key ?? '-')
    .sort()
    .join(' ');
}

describe('a group of servers', () => {
  it('finds each by its key, and none by another', () => {
    const group = build([1, 0]);
    expect(group.find('s1')).toBe(group.servers[1]);
    expect(group.find('s2')).toBeUndefined();
    expect(build([1]).find('s0')?.key).toBe('s0');
    expect(build([1]).find('s1')).toBeUndefined();
  });

  it('gives each server once to work that fails everywhere, and none without weight', () => {
    const group = build([1, 1, 0, 1]);
    const tried = new Set<Member>();
    for (let server = group.pick(tried); server !== undefined; server = group.pick(tried)) tried.add(server);
    expect([...tried].map(({ key }) => key).sort()).toEqual(['s0', 's1', 's3']);
  });

  it('takes out what cannot be reached, and asks all when none can be', () => {
    const group = build([1, 1]);
    const [first, second] = group.servers;
    if (first === undefined || second === undefined) throw new Error('two servers');
    for (let time = 0; time < 3; time++) group.note(first, 'unreachable');
    expect(picks(group, 4)).toBe('s1 s1 s1 s1');
    for (let time = 0; time < 3; time++) group.note(second, 'unreachable');
    expect(picks(group, 4)).toBe('s0 s0 s1 s1');
  });

  it('takes out at most half of those that do answer', () => {
    const group = build([1, 1, 1, 1]);
    for (const server of group.servers) for (let time = 0; time < 9; time++) group.note(server, 'failing');
    expect(group.servers.map(({ standing }) => standing.outlier.isEjected(0))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it('does not judge a server that is alone', () => {
    const group = build([1]);
    for (let time = 0; time < 9; time++) group.note(group.first, 'unreachable');
    expect(group.first.standing.outlier.state.failures).toBe(0);
  });
});

describe('a pick', () => {
  const step = fc.tuple(
    fc.nat({ max: 4 }),
    fc.constantFrom('well', 'unreachable', 'failing', 'busy'),
    fc.nat({ max: 20_000 }),
  );

  it('is never one without weight or that was tried, and never an ejected one while another is left', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 3 }), { minLength: 2, maxLength: 5 }),
        fc.array(step, { maxLength: 80 }),
        fc.array(fc.nat({ max: 4 }), { maxLength: 4 }),
        fc.constantFrom('round_robin', 'least_requests'),
        (weights, steps, triedPlaces, balance) => {
          const clock = new ManualClock();
          const group = build(weights, clock, balance);
          const tried = new Set(triedPlaces.flatMap((place) => group.servers[place] ?? []));
          for (const [place, sign, wait] of steps) {
            const server = group.servers[place];
            if (server !== undefined) group.note(server, sign);
            clock.advance(wait);
            const picked = group.pick(tried);
            const candidates = group.servers.filter((each) => each.weight > 0 && !tried.has(each));
            const isOut = (each: Member): boolean => each.standing.outlier.isEjected(clock.monotonic());
            const well = candidates.filter((each) => !isOut(each));
            if (candidates.length === 0) expect(picked).toBeUndefined();
            else expect(well.length > 0 ? well : candidates).toContain(picked);
          }
        },
      ),
    );
  });
});

describe('the key of a server', () => {
  it('follows from scheme, host, port and path, each of which counts', () => {
    const target = { kind: 'tcp', secure: false, host: '10.0.0.1', port: 8000, path: '/mcp' } as const;
    const others = [
      target,
      { ...target, secure: true },
      { ...target, host: '10.0.0.2' },
      { ...target, port: 8001 },
      { ...target, path: '/' },
      { ...target, address: '10.0.0.9' },
      { ...target, address: '10.0.0.8' },
      { kind: 'unix', socketPath: '/run/a', path: '/mcp' } as const,
      { kind: 'unix', socketPath: '/run/b', path: '/mcp' } as const,
    ].map(toServerKey);
    expect(new Set(others).size).toBe(others.length);
    // It is in the ids of sessions that clients keep: another version of Breakwater has to find the same.
    expect(toServerKey(target)).toBe('Pv-eroU8P-PX');
  });
});

describe('what active checks say', () => {
  const clock = new ManualClock();
  const standing = (): Standing => new Standing(new Deadlines(clock));
  const member = (key: string, rest: Partial<Member>): Member => ({
    key,
    weight: 1,
    limits: undefined,
    standing: standing(),
    ...rest,
  });
  const groupOf = (...servers: readonly Member[]): UpstreamGroup<Member> =>
    new UpstreamGroup(servers, { balance: 'round_robin', clock });
  const down = { isUp: false, share: () => 1 };

  it('takes a server out, but not all of them', () => {
    const up = { isUp: true, share: () => 1 };
    expect(picks(groupOf(member('a', { health: down }), member('b', { health: up })), 3)).toBe('b b b');
    expect(picks(groupOf(member('a', { health: down }), member('b', {})), 3)).toBe('b b b');
    expect(picks(groupOf(member('a', { health: down }), member('b', { health: down })), 2)).toBe('a b');
    expect(picks(groupOf(member('a', {}), member('b', {})), 2)).toBe('a b');
  });

  it('brings it back with a share of its weight', () => {
    const back = { isUp: true, share: () => 0.1 };
    const chosen = picks(groupOf(member('a', { health: back }), member('b', {})), 22);
    expect(chosen.match(/a/g)).toHaveLength(2);
  });

  it('leaves a new server out for a while, unless there is no other', () => {
    const group = groupOf(member('a', { newUntil: clock.monotonic() + 20_000 }), member('b', {}));
    expect(picks(group, 3)).toBe('b b b');
    const fresh = { newUntil: clock.monotonic() + 20_000 };
    expect(picks(groupOf(member('a', fresh), member('c', fresh)), 2)).toBe('a c');
    clock.advance(20_000);
    expect(picks(group, 4)).toBe('a a b b');
  });

  it('still finds a server that is down for what is bound to it', () => {
    const group = groupOf(member('a', { health: down }), member('b', {}));
    expect(group.find('a')).toBe(group.servers[0]);
  });
});

describe('a group whose servers change', () => {
  it('chooses among the new ones, and is shared while it may grow', () => {
    const [one, two] = [build([1]).first, build([1, 1]).servers[1]];
    if (two === undefined) throw new Error('two servers');
    const group = new UpstreamGroup([one], {
      balance: 'round_robin',
      clock: new ManualClock(),
      mayGrow: true,
    });
    expect(group.isShared).toBe(true);
    group.change([one, two]);
    expect(picks(group, 4)).toBe('s0 s0 s1 s1');
    group.change([two]);
    expect(picks(group, 2)).toBe('s1 s1');
    expect(group.find('s0')).toBeUndefined();
    expect(group.isShared).toBe(true);
    expect(build([1]).isShared).toBe(false);
  });
});

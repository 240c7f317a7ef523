import { afterEach, describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../src/state/store/memory-store.ts';
import type { Store } from '../../../src/state/store/store.ts';
import { obtainTokens, refresh, startAuthRig, type AuthRig } from '../../support/auth-server-rig.ts';
import type { Answer } from '../../support/auth-browser.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

/** A moment within a rotation: the used token is about to be marked, or the new one about to be noted. */
type Moment = 'mark' | 'note';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A way to the store on which whoever rotates stops at a moment. */
function holdAt(
  moment: Moment,
  store: Store,
): { readonly store: Store; readonly reached: Promise<undefined>; readonly go: () => void } {
  const [reached, released] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const stop = async (): Promise<void> => {
    reached.resolve(undefined);
    await released.promise;
  };
  return {
    reached: reached.promise,
    go: () => released.resolve(undefined),
    store: {
      ...store,
      async update(kind, id, change) {
        if (moment === 'mark' && kind === 'RefreshToken') await stop();
        return store.update(kind, id, change);
      },
      async put(kind, id, value, options) {
        if (moment === 'note' && kind === 'RefreshSuccessor') await stop();
        return store.put(kind, id, value, options);
      },
    },
  };
}

interface Race {
  readonly clock: ManualClock;
  readonly token: string;
  readonly other: AuthRig;
  readonly revoked: () => readonly string[];
  /** Lets the server that was first go on. */
  readonly go: () => void;
  readonly first: Promise<Answer>;
  readonly second: Promise<Answer>;
}

/** Two servers over one store get the same token: the second one when the first one has come to the moment, and it waits or answers. */
async function race(moment: Moment): Promise<Race> {
  const clock = new ManualClock(Date.now());
  const store = createMemoryStore({ clock });
  const held = holdAt(moment, store);
  const one = await startAuthRig({ clock, store: held.store });
  const other = await startAuthRig({ clock, store });
  closers.push(
    () => one.close(),
    () => other.close(),
  );
  const { refresh: token } = await obtainTokens(other);
  const first = refresh(one, token);
  await held.reached;
  const timers = clock.pending;
  let isAnswered = false;
  const second = refresh(other, token).finally(() => {
    isAnswered = true;
  });
  await until(() => isAnswered || clock.pending > timers);
  const revoked = (): readonly string[] => [...one.revoked, ...other.revoked];
  return { clock, token, other, revoked, go: held.go, first, second };
}

describe('parallel-refresh: two servers over one store', () => {
  it.each<Moment>(['mark', 'note'])('lead to the same successor (%s)', async (moment) => {
    const { clock, token, other, revoked, go, first, second } = await race(moment);
    go();
    const one = await first;
    clock.advance(50);
    const two = await second;
    expect([one.status, two.status], two.body).toEqual([200, 200]);
    const successor = String(one.json['refresh_token']);
    expect(successor).not.toBe(token);
    expect(two.json['refresh_token']).toBe(successor);
    expect((await refresh(other, successor)).status).toBe(200);
    expect(revoked()).toEqual([]);
  });

  it.each<Moment>(['mark', 'note'])('log nobody out where one of them is slow (%s)', async (moment) => {
    const { clock, token, other, revoked, go, first, second } = await race(moment);
    const timers = clock.pending - 1;
    let late: Answer | undefined;
    void second.then((answer) => (late = answer));
    await until(() => {
      if (clock.pending > timers) clock.advance(50);
      return late !== undefined;
    });
    expect(late?.json['error']).toBe('temporarily_unavailable');
    go();
    const one = await first;
    expect((await refresh(other, token)).json['refresh_token']).toBe(one.json['refresh_token']);
    expect(revoked()).toEqual([]);
  });
});

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ProviderContext } from 'oidc-provider';
import { describe, expect, it } from 'vitest';
import { createRefreshRotation } from '../../../src/auth/server/refresh-rotation.ts';
import { createStoreAdapter } from '../../../src/auth/server/store-adapter.ts';
import { createMemoryStore } from '../../../src/state/store/memory-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const clock = new ManualClock(1_800_000_000_000);

function create(): {
  readonly store: ReturnType<typeof createMemoryStore>;
  readonly rotation: ReturnType<typeof createRefreshRotation>;
  readonly adapterOf: (model: string) => ReturnType<typeof createStoreAdapter>;
} {
  const store = createMemoryStore({ clock });
  const rotation = createRefreshRotation({ store, clock });
  const findClient = async (): Promise<undefined> => undefined;
  return {
    store,
    rotation,
    adapterOf: (model) => createStoreAdapter(model, { store, clock, rotation, findClient }),
  };
}

/** What the functions read of the context of a refresh. */
function refreshOf(jti: string): ProviderContext {
  const context = { state: {}, body: { refresh_token: jti }, oidc: { entities: { RefreshToken: { jti } } } };
  return context as unknown as ProviderContext;
}

describe('codes and tokens in the store', () => {
  const payload = { grantId: 'grant', exp: 1_800_000_060 };

  it('code-replay in parallel: a code is used once, and the second use ends the grant', async () => {
    const { adapterOf, store } = create();
    const codes = adapterOf('AuthorizationCode');
    await codes.upsert('code', payload, 60);
    await adapterOf('RefreshToken').upsert('token', payload, 60);
    await adapterOf('Grant').upsert('grant', { accountId: 'alice' }, 60);
    const outcomes = await Promise.allSettled([codes.consume('code'), codes.consume('code')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await store.get('RefreshToken', 'token')).toBeUndefined();
    expect(await store.get('Grant', 'grant')).toBeUndefined();
  });

  it('a refresh token that two use at once is used once, and the grant lives on', async () => {
    const { adapterOf, store } = create();
    const tokens = adapterOf('RefreshToken');
    await tokens.upsert('token', payload, 60);
    const outcomes = await Promise.allSettled([tokens.consume('token'), tokens.consume('token')]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await store.get('RefreshToken', 'token')).toMatchObject({ consumed: 1_800_000_000 });
  });

  it('keeps nothing of kinds that are switched off', async () => {
    const { adapterOf } = create();
    await expect(adapterOf('AccessToken').upsert('token', payload, 60)).rejects.toThrow('are not kept');
    expect(await adapterOf('AccessToken').find('token')).toBeUndefined();
  });

  it('ends all tokens of a grant, and of no other', async () => {
    const { adapterOf } = create();
    const tokens = adapterOf('RefreshToken');
    await tokens.upsert('one', payload, 60);
    await tokens.upsert('two', { ...payload, grantId: 'other' }, 60);
    await tokens.revokeByGrantId('grant');
    expect(await tokens.find('one')).toBeUndefined();
    expect(await tokens.find('two')).toMatchObject({ jti: 'two' });
  });
});

describe('refreshes that overlap', () => {
  it('parallel-refresh: who comes while a rotation runs waits for its token', async () => {
    const { rotation } = create();
    const [first, second] = [refreshOf('used'), refreshOf('used')];
    const rotations = [rotation.rotate(first), rotation.rotate(second)];
    expect(await rotations[0]).toBe(true);
    await rotation.noteSuccessor('used', 'next');
    await rotation.finish(first);
    expect(await rotations[1]).toBe(false);
    await rotation.finish(second);
    expect(first.body).toEqual({ refresh_token: 'used' });
    expect(second.body).toEqual({ refresh_token: 'next' });
  });

  it('a rotation that fails lets the next one try', async () => {
    const { rotation } = create();
    const [first, second] = [refreshOf('used'), refreshOf('used')];
    expect(await rotation.rotate(first)).toBe(true);
    const waiting = rotation.rotate(second);
    await rotation.finish(first);
    expect(await waiting).toBe(true);
  });

  it('parallel-refresh: a turn is one for all processes over the store', async () => {
    const store = createMemoryStore({ clock });
    const [here, there] = [createRefreshRotation({ store, clock }), createRefreshRotation({ store, clock })];
    const [first, second] = [refreshOf('used'), refreshOf('used')];
    expect(await here.rotate(first)).toBe(true);
    const waiting = there.rotate(second);
    await expect.poll(() => clock.pending).toBe(1);
    await here.noteSuccessor('used', 'next');
    clock.advance(50);
    expect(await waiting).toBe(false);
    await there.finish(second);
    expect(second.body).toEqual({ refresh_token: 'next' });
  });

  it('a rotation that fails lets one of another process try', async () => {
    const store = createMemoryStore({ clock });
    const [here, there] = [createRefreshRotation({ store, clock }), createRefreshRotation({ store, clock })];
    const first = refreshOf('used');
    expect(await here.rotate(first)).toBe(true);
    const waiting = there.rotate(refreshOf('used'));
    await expect.poll(() => clock.pending).toBe(1);
    await here.finish(first);
    clock.advance(50);
    expect(await waiting).toBe(true);
  });

  it('a process that dies in its turn keeps others out for ten seconds', async () => {
    const store = createMemoryStore({ clock });
    const [dead, other] = [createRefreshRotation({ store, clock }), createRefreshRotation({ store, clock })];
    expect(await dead.rotate(refreshOf('used'))).toBe(true);
    const early = refreshOf('used');
    const outcome = other.rotate(early).catch((error: unknown) => error);
    await expect.poll(() => clock.pending).toBe(1);
    while (clock.pending > 0) {
      clock.advance(50);
      await nextTurn();
    }
    expect(await outcome).toMatchObject({ message: 'temporarily_unavailable' });
    await other.finish(early);
    clock.advance(10_000);
    expect(await other.rotate(refreshOf('used'))).toBe(true);
  });
});

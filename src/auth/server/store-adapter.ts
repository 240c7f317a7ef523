import { errors, Provider, type Adapter, type AdapterPayload } from 'oidc-provider';
import type { Clock } from '../../lib/clock.ts';
import { followRotation, type RefreshRotation } from './refresh-rotation.ts';
import type { Store } from '../../state/store/store.ts';

/** Models that are kept. Access tokens are JWTs, and the features of all others are off. */
const storedModels = new Set([
  'AuthorizationCode',
  'Client',
  'Grant',
  'Interaction',
  'RefreshToken',
  'ReplayDetection',
  'Session',
]);

/** What revoking a grant ends. */
const grantKinds = ['AuthorizationCode', 'RefreshToken'];

export interface StoreAdapterOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly rotation: RefreshRotation;
  /** Clients are not only what is stored: their ids may be addresses of metadata documents. */
  readonly findClient: (id: string) => Promise<AdapterPayload | undefined>;
}

/** Keeps the provider's records in our store, one kind a model. */
export function createStoreAdapter(model: string, options: StoreAdapterOptions): Adapter {
  const { store, clock, rotation, findClient } = options;
  const isStored = storedModels.has(model);

  /** The store does not keep ids that are secrets; whoever asks knows them. */
  async function load(id: string): Promise<AdapterPayload | undefined> {
    const payload = await store.get(model, id);
    return payload && { ...payload, jti: id };
  }

  async function revokeByGrantId(grantId: string): Promise<void> {
    for (const kind of grantKinds) await store.deleteWhere(kind, 'grantId', grantId);
  }

  async function findRefreshToken(id: string): Promise<AdapterPayload | undefined> {
    const payload = await load(id);
    if (payload?.consumed === undefined) return payload;
    const successor = await followRotation(rotation, id, async (token) => {
      const found = await load(token);
      return found === undefined || found.consumed !== undefined;
    });
    return successor === undefined ? payload : load(successor);
  }

  return {
    async upsert(id, payload, expiresIn) {
      if (!isStored) throw new Error(`records of ${model} are not kept`);
      const expiresAt = expiresIn === undefined ? undefined : clock.now() + expiresIn * 1000;
      await store.put(model, id, payload, { expiresAt });
      if (model !== 'RefreshToken') return;
      const used = Provider.ctx?.oidc.entities.RotatedRefreshToken;
      if (used !== undefined && used.jti !== id) await rotation.noteSuccessor(used.jti, id);
    },
    async find(id) {
      if (!isStored) return undefined;
      switch (model) {
        case 'Client':
          return findClient(id);
        case 'RefreshToken':
          return findRefreshToken(id);
        default:
          return load(id);
      }
    },
    async findByUid(uid) {
      const [entry] = await store.find(model, 'uid', uid);
      return entry?.value;
    },
    findByUserCode: async () => undefined,
    /** Marks a code or token as used. Of two who come with the same code at once only one gets on (code-replay in parallel). */
    async consume(id) {
      const consumed = Math.floor(clock.now() / 1000);
      const isFirst = await store.update(model, id, (current) => {
        if (current === undefined || current['consumed'] !== undefined) return undefined;
        const expiresAt = typeof current['exp'] === 'number' ? current['exp'] * 1000 : undefined;
        return { value: { ...current, consumed }, expiresAt };
      });
      if (isFirst) return;
      const grantId = (await load(id))?.grantId;
      if (model === 'AuthorizationCode' && grantId !== undefined) {
        await revokeByGrantId(grantId);
        // What the first one may be getting just now counts for nothing either.
        await store.delete('Grant', grantId);
      }
      throw new errors.InvalidGrant('already used');
    },
    async destroy(id) {
      if (isStored) await store.delete(model, id);
    },
    revokeByGrantId,
  };
}

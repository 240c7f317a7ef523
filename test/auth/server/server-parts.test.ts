import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { pruneFlows, toBrowserCookies, toProviderCookies } from '../../../src/auth/server/flow-cookies.ts';
import { createFormTokens } from '../../../src/auth/server/form-tokens.ts';
import { markup } from '../../../src/lib/markup.ts';
import { toScopeWords } from '../../../src/auth/server/pages/scope-words.ts';
import { createRefreshRotation } from '../../../src/auth/server/refresh-rotation.ts';
import { loadOrCreateServerKeys, toPublicKeys } from '../../../src/auth/server/server-keys.ts';
import { createMemoryStore } from '../../../src/state/store/memory-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'server-keys-'));
  folders.push(folder);
  return folder;
}

describe('the keys of the server', () => {
  it('are made once, for the owner alone, and found again', async () => {
    const folder = await createFolder();
    const [first, second] = await Promise.all([
      loadOrCreateServerKeys(folder),
      loadOrCreateServerKeys(folder),
    ]);
    expect(second).toEqual(first);
    expect(await loadOrCreateServerKeys(folder)).toEqual(first);
    const path = join(folder, 'auth', 'server-keys.json');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const [key] = toPublicKeys(first).keys;
    expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', kid: first.signing.kid });
    expect(JSON.stringify(key)).not.toContain(first.signing.d);
  });

  it.each(['', '{}', '{"cookie":"x","signing":{}}', 'nonsense'])(
    'a damaged file is left alone: %j',
    async (text) => {
      const folder = await createFolder();
      await loadOrCreateServerKeys(folder);
      const path = join(folder, 'auth', 'server-keys.json');
      await writeFile(path, text);
      await expect(loadOrCreateServerKeys(folder)).rejects.toMatchObject({ code: 'E_AUTH_KEYS_FILE' });
      expect(await readFile(path, 'utf8')).toBe(text);
    },
  );

  it.each([
    ['640', 0o640],
    ['620', 0o620],
    ['604', 0o604],
    ['602', 0o602],
  ])('planted-keys: a file that others can read or write is not taken: %s', async (_name, mode) => {
    const folder = await createFolder();
    const keys = await loadOrCreateServerKeys(folder);
    const path = join(folder, 'auth', 'server-keys.json');
    await chmod(path, mode);
    await expect(loadOrCreateServerKeys(folder)).rejects.toMatchObject({
      code: 'E_AUTH_KEYS_FILE',
      hint: expect.stringContaining(`chmod 600 ${path}`),
    });
    await chmod(path, 0o600);
    expect(await loadOrCreateServerKeys(folder)).toEqual(keys);
  });
});

describe('cookies of flows', () => {
  it('come back under their names, for the flow of the path alone', () => {
    const set = toBrowserCookies([
      'bw-interaction=abc; path=/oauth/interaction/abc; secure; httponly',
      'bw-interaction.sig=s1; path=/oauth/interaction/abc; secure; httponly',
      'bw-resume=abc; path=/oauth/authorize/abc; secure; httponly',
      '__Host-bw-session=xyz; path=/; secure; httponly',
    ]);
    expect(set).toEqual([
      '__Host-bw-interaction.abc=abc; path=/; secure; httponly',
      '__Host-bw-interaction.abc.sig=s1; path=/; secure; httponly',
      '__Host-bw-resume.abc=abc; path=/; secure; httponly',
      '__Host-bw-session=xyz; path=/; secure; httponly',
    ]);
    const header = set.map((line) => line.split(';')[0]).join('; ');
    expect(toProviderCookies(header, 'abc')).toBe(
      'bw-interaction=abc; bw-interaction.sig=s1; bw-resume=abc; __Host-bw-session=xyz',
    );
    expect(toProviderCookies(header, 'other')).toBe('__Host-bw-session=xyz');
  });

  it('cookie-planting: the plain names, which any host could set, are not read', () => {
    expect(toProviderCookies('bw-interaction=abc; bw-resume=abc; a=b', 'abc')).toBe('a=b');
  });

  it('cookie-bomb: the oldest go when there are many', () => {
    const names = (count: number): string =>
      Array.from({ length: count }, (_, index) => `__Host-bw-resume.${index}=x`).join('; ');
    expect(pruneFlows(names(32))).toEqual([]);
    expect(pruneFlows(names(34)).map((line) => line.split('=')[0])).toEqual([
      '__Host-bw-resume.0',
      '__Host-bw-resume.1',
    ]);
  });
});

describe('form tokens', () => {
  const flow = { uid: 'a', clientId: 'b', form: 'c', subject: 'd' };

  it('count for their flow, client, form and person', () => {
    const tokens = createFormTokens('secret');
    const token = tokens.create(flow);
    expect(tokens.isValid(flow, token)).toBe(true);
    for (const change of [
      { uid: 'x' },
      { clientId: 'x' },
      { form: 'x' },
      { subject: 'x' },
      { subject: undefined },
    ]) {
      expect(tokens.isValid({ ...flow, ...change }, token)).toBe(false);
    }
    expect(tokens.isValid(flow, undefined)).toBe(false);
    expect(createFormTokens('other').isValid(flow, token)).toBe(false);
  });
});

describe('markup', () => {
  it('stored-xss: what is filled in is text, in attributes too', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { text: page } = markup`<a title="${text}">${text}</a>`;
        expect(page).toMatch(/^<a title="[^"<>]*">[^<>]*<\/a>$/);
      }),
    );
  });

  it('bidi-spoofing: what turns text around or hides in it is taken out', () => {
    expect(markup`${'a\u202Eb\u200Bc\u0000d'}`.text).toBe('a b c d');
  });
});

describe('scopes in words', () => {
  it.each([
    ['tools:read', 'Read tools'],
    ['read:user_data', 'Read user data'],
    ['files.write', 'Change files'],
    ['access', 'Use everything that the tools offers'],
    ['weird', 'Use “weird”'],
  ])('%s: %s', (scope, words) => {
    expect(toScopeWords(scope, 'the tools')).toBe(words);
  });
});

describe('the grace of refresh tokens', () => {
  it('keeps no token in the store that could be used', async () => {
    const clock = new ManualClock(1_800_000_000_000);
    const store = createMemoryStore({ clock });
    const rotation = createRefreshRotation({ store, clock });
    await rotation.noteSuccessor('used-token', 'next-token');
    const kept = JSON.stringify(await store.list('RefreshSuccessor'));
    expect(kept).not.toMatch(/used-token|next-token/);
    expect(await rotation.findSuccessor('used-token')).toBe('next-token');
    expect(await rotation.findSuccessor('other')).toBeUndefined();
    clock.advance(30_000);
    expect(await rotation.findSuccessor('used-token')).toBeUndefined();
  });
});

import { calculateJwkThumbprint } from 'jose';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSigningKeys, loadJwks, type SigningKeys } from '../../../src/auth/outbound/signing-keys.ts';
import type { Diagnostic } from '../../../src/lib/diagnostic.ts';
import { createSecretFiles } from '../../../src/state/secret-files.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const day = 24 * 3_600_000;

let stateDir: string;
let clock: ManualClock;
let warnings: Diagnostic[];
const opened: SigningKeys[] = [];

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'breakwater-signing-'));
  clock = new ManualClock();
  warnings = [];
});
afterEach(async () => {
  for (const keys of opened.splice(0)) await keys.close();
  await rm(stateDir, { recursive: true });
});

const file = (): string => join(stateDir, 'auth', 'signing-keys.json');

async function start(): Promise<SigningKeys> {
  const keys = createSigningKeys({
    texts: createSecretFiles(stateDir, clock),
    clock,
    report: (warning) => warnings.push(warning),
  });
  opened.push(keys);
  await keys.share();
  return keys;
}

describe('signing keys', () => {
  it('are published without their private part, by their thumbprint', async () => {
    const keys = await start();
    const [key, ...others] = keys.jwks().keys;
    expect(others).toEqual([]);
    if (key === undefined) throw new Error('no key');
    expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
    expect(key.kid).toBe(await calculateJwkThumbprint(key));
    expect(keys.current.privateJwk.d).toMatch(/^[\w-]{43}$/);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
  });

  it('a new one is published for a day before it signs, and the old one for a day after', async () => {
    const [first, second] = [await start(), await start()];
    const old = first.current.kid;
    const refresh = async (): Promise<readonly (readonly [string, number])[]> => {
      const states: (readonly [string, number])[] = [];
      for (const keys of [first, second]) {
        await keys.refresh();
        states.push([keys.current.kid === old ? 'old' : 'new', keys.jwks().keys.length]);
      }
      return states;
    };
    clock.jump(30 * day);
    expect(await refresh()).toEqual([
      ['old', 2],
      ['old', 2],
    ]);
    clock.jump(day - 1);
    expect(await refresh()).toEqual([
      ['old', 2],
      ['old', 2],
    ]);
    clock.jump(1);
    expect(await refresh()).toEqual([
      ['new', 2],
      ['new', 2],
    ]);
    clock.jump(day);
    expect(await refresh()).toEqual([
      ['new', 1],
      ['new', 1],
    ]);
    expect(second.current.kid).toBe(first.current.kid);
    expect(warnings).toEqual([]);
  });

  it('are the ones that `keys jwks` prints, before and while a gateway runs', async () => {
    const printed = await loadJwks(createSecretFiles(stateDir, clock), clock);
    expect((await start()).jwks()).toEqual(printed);
    expect(await loadJwks(createSecretFiles(stateDir, clock), clock)).toEqual(printed);
    expect(JSON.stringify(printed)).not.toContain('"d"');
    expect(clock.pending).toBe(1);
  });

  it('that cannot be kept are not printed', async () => {
    await writeFile(join(stateDir, 'auth'), 'in the way');
    await expect(loadJwks(createSecretFiles(stateDir, clock), clock)).rejects.toMatchObject({
      code: 'E_STATE_UNWRITABLE',
    });
  });

  it.each([
    ['no JSON', 'x'],
    ['no key', '{"kty":"EC"}'],
    [
      'a public key',
      '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}',
    ],
    [
      'of another curve',
      '{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwaaPJHURo"}',
    ],
  ])('a file with %s in it is replaced', async (_what, text) => {
    await mkdir(join(stateDir, 'auth'));
    await writeFile(file(), JSON.stringify({ version: 1, keys: [{ text, createdAt: clock.now() }] }), {
      mode: 0o600,
    });
    const keys = await start();
    expect(keys.jwks().keys).toMatchObject([{ crv: 'P-256', kid: keys.current.kid }]);
    const kept = await readFile(file(), 'utf8');
    expect(kept).toContain(keys.current.privateJwk.d);
    expect(kept).not.toContain(JSON.stringify(text));
  });
});

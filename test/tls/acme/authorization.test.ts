import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AcmeAccount } from '../../../src/tls/acme/account.ts';
import { proveNames, toKeyAuthorizationDigest } from '../../../src/tls/acme/authorization.ts';
import type { ChallengeSolver, ChallengeType } from '../../../src/tls/acme/challenge.ts';
import { toAccountKey, type AcmeSession } from '../../../src/tls/acme/signed-requests.ts';
import type { IssueRequest } from '../../../src/tls/automation/issuer.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const key = toAccountKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
const origin = 'https://ca.example.com';

interface Entry {
  readonly value: string;
  readonly wildcard?: boolean;
  readonly types?: readonly string[];
  readonly token?: string;
  /** What becomes of it when its challenge is answered. */
  readonly outcome?: 'valid' | 'invalid';
  status?: string;
}

/** An authority that holds these authorizations, by their place in the list. */
class Authorizations {
  readonly posts: { readonly path: string; readonly payload: object }[] = [];
  readonly #entries: readonly Entry[];

  constructor(entries: readonly Entry[]) {
    this.#entries = entries;
  }

  get urls(): readonly string[] {
    return this.#entries.map((_, index) => `${origin}/authz/${index}`);
  }

  account(): AcmeAccount {
    return {
      key,
      url: `${origin}/account/1`,
      request: (url, payload) => {
        const [, kind, index = ''] = new URL(url).pathname.split('/');
        const entry = this.#entries[Number(index)];
        if (entry === undefined) throw new Error(`nothing at ${url}`);
        if (payload !== undefined) this.posts.push({ path: new URL(url).pathname, payload });
        if (kind === 'challenge') entry.status = entry.outcome ?? 'valid';
        return Promise.resolve({ status: 200, headers: {}, body: JSON.stringify(this.#show(entry, index)) });
      },
    };
  }

  #show(entry: Entry, index: string): object {
    const { value, wildcard = false, types = ['http-01'], token = 'token', status = 'pending' } = entry;
    return {
      status,
      identifier: { type: 'dns', value },
      wildcard,
      challenges: types.map((type) => ({ type, url: `${origin}/challenge/${index}/${type}`, status, token })),
    };
  }
}

let log: string[];
beforeEach(() => {
  log = [];
});

function createSolver(type: ChallengeType): ChallengeSolver {
  return {
    type,
    present: ({ name }) => Promise.resolve(void log.push(`present ${type} ${name}`)),
    remove: ({ name }) => Promise.resolve(void log.push(`remove ${type} ${name}`)),
  };
}

async function prove(
  entries: readonly Entry[],
  options: {
    readonly names?: readonly string[];
    readonly challenges?: readonly ChallengeType[];
    readonly solvers?: readonly ChallengeSolver[];
  } = {},
): Promise<Authorizations> {
  const authorizations = new Authorizations(entries);
  const signal = new AbortController().signal;
  const session: AcmeSession = {
    directory: { newNonce: origin, newAccount: origin, newOrder: origin },
    title: 'Example CA',
    clock: new ManualClock(),
    signal,
    post: () => Promise.reject(new Error('not here')),
  };
  const names =
    options.names ?? entries.map(({ value, wildcard }) => (wildcard === true ? `*.${value}` : value));
  const challenges = options.challenges ?? ['http-01'];
  await proveNames(
    {
      session,
      account: authorizations.account(),
      solvers: options.solvers ?? (['http-01', 'tls-alpn-01', 'dns-01'] as const).map(createSolver),
      request: {
        names: names as IssueRequest['names'],
        challenges,
        replaces: undefined,
        onStep: () => undefined,
        signal,
      },
      timeout: 1000,
    },
    authorizations.urls,
  ).finally(() => {
    log.push(...authorizations.posts.map(({ path, payload }) => `post ${path} ${JSON.stringify(payload)}`));
  });
  return authorizations;
}

describe('toKeyAuthorizationDigest', () => {
  it('is SHA-256 over the key authorization', () => {
    const digest = toKeyAuthorizationDigest('evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.x').toString(
      'base64url',
    );
    expect(digest).toMatch(/^[\w-]{43}$/);
    expect(toKeyAuthorizationDigest('').toString('base64url')).toBe(
      '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU',
    );
  });
});

describe('proveNames', () => {
  it('prefers the first type of the request that is offered', async () => {
    const entries = [{ value: 'mcp.example.com', types: ['dns-01', 'http-01', 'tls-alpn-01'] }];
    await prove(entries, { challenges: ['tls-alpn-01', 'http-01'] });
    expect(log[0]).toBe('present tls-alpn-01 mcp.example.com');
  });

  it('falls back on the next type where the first is not offered or not answered here', async () => {
    const entry = { value: 'mcp.example.com', types: ['http-01', 'dns-01'] };
    await prove([{ ...entry }], { challenges: ['tls-alpn-01', 'http-01'] });
    expect(log[0]).toBe('present http-01 mcp.example.com');
    log = [];
    await prove([{ ...entry }], {
      challenges: ['http-01', 'dns-01'],
      solvers: [createSolver('dns-01')],
    });
    expect(log[0]).toBe('present dns-01 mcp.example.com');
  });

  it('never uses anything but DNS for a wildcard, nor DNS for an address', async () => {
    const types = ['http-01', 'dns-01'];
    await prove([{ value: 'example.com', wildcard: true, types }], { challenges: ['http-01', 'dns-01'] });
    expect(log[0]).toBe('present dns-01 example.com');
    log = [];
    await prove([{ value: '192.0.2.1', types }], { challenges: ['dns-01', 'http-01'] });
    expect(log[0]).toBe('present http-01 192.0.2.1');
  });

  it('proves a domain and its wildcard one after the other: both need the same record', async () => {
    const types = ['dns-01'];
    await prove(
      [
        { value: 'example.com', types },
        { value: 'example.com', wildcard: true, types },
      ],
      { challenges: ['dns-01'] },
    );
    const record = ['present dns-01 example.com', 'remove dns-01 example.com'];
    expect(log.slice(0, 4)).toEqual([...record, ...record]);
  });

  it('takes answers away and gives the other authorizations back when one name fails', async () => {
    const refusing = { value: 'b.example.com', outcome: 'invalid' as const };
    await expect(
      prove([refusing, ...['c', 'd'].map((name) => ({ value: `${name}.example.com` }))]),
    ).rejects.toMatchObject({
      code: 'E_ACME_CHALLENGE',
    });
    const presented = log.filter((line) => line.startsWith('present ')).map((line) => line.slice(8));
    const removed = log.filter((line) => line.startsWith('remove ')).map((line) => line.slice(7));
    expect(removed.toSorted()).toEqual(presented.toSorted());
    expect(log).not.toContain('post /authz/0 {"status":"deactivated"}');
  });

  it('takes the answer away although presenting failed', async () => {
    const broken: ChallengeSolver = {
      ...createSolver('http-01'),
      present: () => Promise.reject(new Error('no room')),
    };
    await expect(prove([{ value: 'a.example.com' }], { solvers: [broken] })).rejects.toThrow('no room');
    expect(log).toEqual(['remove http-01 a.example.com']);
  });

  it('presents nothing for a name that was not ordered (an authority that lies)', async () => {
    for (const value of ['evil.example.org', '--flag', 'example.com', '../../etc']) {
      await expect(prove([{ value }], { names: ['mcp.example.com'] })).rejects.toThrow('was not ordered');
    }
    await expect(
      prove([{ value: 'example.com', wildcard: true }], { names: ['example.com'] }),
    ).rejects.toThrow('was not ordered');
    expect(log).toEqual([]);
  });

  it('serves no token that is more than a token (header and path injection)', async () => {
    for (const token of ['../../x', 'a\r\nSet-Cookie: b', 'a b', '', 'ü', 'x'.repeat(257), '<script>']) {
      await expect(prove([{ value: 'a.example.com', token }])).rejects.toMatchObject({
        code: 'E_ACME_UNREACHABLE',
      });
    }
    expect(log).toEqual([]);
    await prove([{ value: 'a.example.com', token: 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA' }]);
    expect(log[0], 'control: a token is served').toBe('present http-01 a.example.com');
  });
});

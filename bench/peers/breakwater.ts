import { hash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readVersion } from '../../src/lib/version.ts';
import { issuedFor, issuer } from '../issued-token.ts';
import type { Check, Peer } from '../peer.ts';
import { findFreePort } from '../../test/support/programs.ts';
import { token } from '../token.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const executable = join(root, 'build/breakwater');

/** The built package, one process, access log to a file. */
export const breakwater: Peer = createBreakwater(
  'breakwater',
  join(root, 'bin/breakwater.js'),
  [process.execPath, join(root, 'bin/breakwater.js')],
  'npm run build',
);

/** The same code compiled into one file. */
export const breakwaterExecutable: Peer = createBreakwater(
  'breakwater-executable',
  executable,
  [executable],
  'npm run build:executable',
);

/** An older build beside this one, from the checkout that the variable names: what a change costs is seen in one run. */
export function findBreakwaterBefore(): readonly Peer[] {
  const checkout = process.env['BREAKWATER_BEFORE'];
  if (checkout === undefined) return [];
  const file = join(checkout, 'bin/breakwater.js');
  return [createBreakwater('breakwater-before', file, [process.execPath, file], 'npm run build')];
}

/** `breakwater`, with flags of Node before the program. */
export function withNodeFlags(flags: readonly string[]): Peer {
  return {
    ...breakwater,
    async prepare(setup) {
      const { port, command } = await breakwater.prepare(setup);
      const [node = process.execPath, ...args] = command;
      return { port, command: [node, ...flags, ...args] };
    },
  };
}

function createBreakwater(name: string, file: string, program: readonly string[], howToBuild: string): Peer {
  return {
    name,
    find: () =>
      existsSync(file)
        ? { kind: 'found', version: readVersion() }
        : { kind: 'missing', reason: `not built (${howToBuild})` },
    async prepare({ directory, upstreamPort, authPort, certFile, keyFile, check, workers }) {
      const port = await findFreePort();
      const config = {
        listen: `127.0.0.1:${port}`,
        ...(workers === 1 ? {} : { workers }),
        tls: { cert: certFile, key: keyFile },
        routes: [
          {
            path: '/mcp',
            upstream: `http://127.0.0.1:${upstreamPort}/mcp`,
            ...(check === 'issued-token' ? { rules: buildRules() } : {}),
          },
        ],
        limits: {
          connections_per_address: 20_000,
          ...(check === 'issued-token' ? unreachedLimits : {}),
        },
        log: { level: 'warn', access: join(directory, 'access.log') },
        state_dir: directory,
        ...buildAuth(check, authPort),
      };
      const configFile = join(directory, 'breakwater.json');
      writeFileSync(configFile, JSON.stringify(config));
      return { port, command: [...program, 'up', '--config', configFile] };
    },
  };
}

function buildAuth(check: Check, authPort: number): object {
  switch (check) {
    case 'none':
      return {};
    case 'token':
    case 'cached-token':
      return { auth: { keys: [{ name: 'bench', sha256: hash('sha256', token) }] } };
    case 'issued-token': {
      const issuers = [{ issuer, jwks: `http://127.0.0.1:${authPort}/keys` }];
      return { public_url: issuedFor, auth: { oauth: { issuers } } };
    }
  }
}

/** One rule for each of 50 tools; the one that is called comes last. */
function buildRules(): readonly object[] {
  const others = Array.from({ length: 49 }, (_none, index) => `tool_${index}`);
  return [...others, 'echo'].map((tool) => ({
    allow: [tool],
    who: { subjects: ['bench'] },
    scopes: ['tools'],
  }));
}

/** Limits that count each call and refuse none. */
const unreachedLimits: object = {
  rates: [
    { per: 'principal', requests: 1_000_000_000, within: '1m' },
    { per: 'tool', requests: 1_000_000_000, within: '1m' },
  ],
  concurrency: [{ per: 'principal', calls: 100_000 }],
};

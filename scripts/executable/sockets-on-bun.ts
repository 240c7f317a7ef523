import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findBun } from './bun.ts';

/**
 * Runs `test/sockets` with Bun in the place of Node: the gateway's code and the tests' own clients and upstreams alike.
 * Quicker than the executable for telling what an upgrade of Bun changes, and with the tests' clocks.
 */
const root = fileURLToPath(new URL('../..', import.meta.url));

/** Tests that fail for what Bun lacks on the tests' side; `test/executable` has them with Node's clients. */
const excluded = [
  // The socket below an HTTP/2 session of Bun's client cannot be touched.
  'HTTP/2 socket close',
  // The tests' clients check no certificates here, and then the gateway does not either.
  'upstream-impostor',
  // Bun has no diagnostics channel for connections.
  'refusing is tried twice',
  // A paused client of Bun in the same process holds the other end's close back.
  'is cut after 30 seconds, and its upstream with it',
];
const { status } = spawnSync(
  findBun(),
  [
    '--bun',
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project=sockets',
    // Bun's child processes lack what Vitest asks of them.
    '--pool=threads',
    '--maxWorkers=1',
    // It starts the program with whatever runs the tests; run it with BREAKWATER_EXECUTABLE instead.
    '--exclude=test/sockets/up-command.test.ts',
    // They measure the heap of V8.
    '--exclude=test/sockets/{leaks,memory}.test.ts',
    `--testNamePattern=^(?!.*(${excluded.join('|')}))`,
    ...process.argv.slice(2),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    // BoringSSL does not read the name constraints for addresses that the local authority has.
    env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' },
  },
);
process.exitCode = status ?? 1;

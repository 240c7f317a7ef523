import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { findBun } from '../../scripts/executable/bun.ts';
import { createTestCertificate } from '../support/certificates.ts';

const run = promisify(execFile);
const program = fileURLToPath(new URL('../fixtures/careless-environment.ts', import.meta.url));

/** Answers whoever trusts it, and keeps what it was told. */
async function startStranger(): Promise<{ readonly port: number; told(): string }> {
  let told = '';
  const server = createServer(await createTestCertificate(), (socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      told += chunk.toString('latin1');
      socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}');
    });
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, told: () => told }; // It listens on TCP.
}

it.each([
  ['Node', process.execPath],
  ['Bun', findBun()],
])(
  'unknown-authority: on %s no way that carries secrets leads to a stranger when the environment turns the check off',
  async (_name, runtime) => {
    const stranger = await startStranger();
    const { stdout } = await run(runtime, [program, `${stranger.port}`], {
      env: { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' },
    });
    const refusal: unknown = expect.stringMatching(/certificate|self.signed/i);
    expect(JSON.parse(stdout)).toEqual({
      // The control: a client that leaves it to the environment does get through.
      careless: 'answered',
      exchange: refusal,
      login: refusal,
      authority: refusal,
      redis: refusal,
    });
    expect(stranger.told()).toMatch(/^GET \/careless /);
    expect(stranger.told()).not.toMatch(/exchange|login|authority|redis/);
  },
);

import { request } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { expect } from 'vitest';
import { controlDirectory } from '../../src/gateway/control/control-server.ts';
import type { GatewayStatus } from '../../src/gateway/control/status.ts';
import type { GatewayProcess } from '../support/gateway-process.ts';
import { until } from '../support/until.ts';

type Asked = Pick<GatewayProcess, 'stateDir' | 'pid'>;

/** Asks a gateway in a process of its own over its socket. */
export function askGateway({ stateDir, pid }: Asked, path: string, method = 'POST'): Promise<unknown> {
  const socketPath = join(stateDir, controlDirectory, `${pid}.sock`);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const asked = request({ socketPath, path, method, agent: false }, (response) => {
    json(response).then(resolve, reject);
  });
  asked.on('error', reject);
  asked.end();
  return promise;
}

/** What it says of itself. */
export async function askStatus(gateway: Asked): Promise<GatewayStatus> {
  // Its form is that of the very program under test.
  return (await askGateway(gateway, '/status', 'GET')) as GatewayStatus;
}

/** Resolves once so many workers answer. */
export async function waitForWorkers(gateway: Asked, count: number): Promise<void> {
  await until(async () => (await askStatus(gateway)).workers.length === count, 10_000);
  expect((await askStatus(gateway)).workers).toHaveLength(count);
}

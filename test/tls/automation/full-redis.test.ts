import { afterEach, beforeEach, expect, it } from 'vitest';
import { GatewayError } from '../../../src/lib/gateway-error.ts';
import type { RedisConnection } from '../../../src/state/redis/redis-connection.ts';
import { createRig, day, hour, type Rig, type RunningAutomation } from './rig.ts';

/** A Redis that has the texts and locks of certificates, and can be full: it reads and deletes, and takes nothing new. */
class FillableRedis implements RedisConnection {
  readonly prefix = '{breakwater}:';
  readonly texts = new Map<string, string>();
  isFull = false;

  async send([command, key = '', text = '']: readonly string[]): Promise<unknown> {
    if (command === 'GET') return this.texts.get(key) ?? null;
    if (this.texts.has(key)) return null;
    return this.#set(key, text);
  }

  /** All scripts do what they do to their last key if the first one has the text that is expected. */
  async run(script: string, keys: readonly string[], words: readonly string[]): Promise<unknown> {
    const [first = '', last = first] = keys;
    if ((this.texts.get(first) ?? '') !== words[0]) return 0;
    if (script.includes("'SET'")) this.#set(last, words[1] ?? '');
    if (script.includes("'DEL'")) this.texts.delete(last);
    return 1;
  }

  listen(): () => void {
    return () => undefined;
  }

  async publish(): Promise<void> {
    await Promise.resolve();
  }

  close(): void {
    this.texts.clear();
  }

  #set(key: string, text: string): string {
    if (this.isFull) throw new GatewayError('E_STATE_UNREACHABLE', 'it is full');
    this.texts.set(key, text);
    return 'OK';
  }
}

let rig: Rig;
beforeEach(async () => {
  rig = await createRig();
});
afterEach(() => rig.close());

const key = '{breakwater}:secret:certificates/mcp.example.com/certificate.pem';

/** Whether the certificate in service was good all the time. */
async function staysGood(running: RunningAutomation, milliseconds: number): Promise<boolean> {
  for (let left = milliseconds; left > 0; left -= hour) {
    await running.pass(hour);
    if (rig.clock.now() >= (running.facts().material?.facts.notAfter ?? 0)) return false;
  }
  return true;
}

it('a certificate of six days is renewed for as long as Redis is full, and put there when it has room', async () => {
  rig.issuer.days = 6;
  const redis = new FillableRedis();
  const running = await rig.open({ redis, tick: hour });
  running.automation.start();
  await running.automation.settled();
  const first = redis.texts.get(key);
  expect(first).toContain('BEGIN CERTIFICATE');
  redis.isFull = true;
  expect(await staysGood(running, 13 * day)).toBe(true);
  expect(rig.issuer.requests).toHaveLength(3);
  expect(redis.texts.get(key)).toBe(first);
  redis.isFull = false;
  await running.pass(hour);
  expect(redis.texts.get(key)).toContain(running.facts().material?.chain.trimEnd());
  expect(rig.issuer.requests).toHaveLength(3);
});

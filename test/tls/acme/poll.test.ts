import { beforeEach, expect, it } from 'vitest';
import { poll, type Look } from '../../../src/tls/acme/poll.ts';
import { IssueError } from '../../../src/tls/automation/issuer.ts';
import { ManualClock } from '../../support/manual-clock.ts';

let clock: ManualClock;
let looks: number[];
let controller: AbortController;

beforeEach(() => {
  clock = new ManualClock(0);
  looks = [];
  controller = new AbortController();
});

/** Looks until the time is up, 90 s, and tells when it looked. */
async function run(look: (count: number) => Look<string>): Promise<string> {
  let settled = false;
  const outcome = poll<string>({
    clock,
    signal: controller.signal,
    timeout: 90_000,
    subject: 'the order',
    look: () => {
      looks.push(clock.now());
      return new Promise<Look<string>>((resolve) => resolve(look(looks.length)));
    },
  }).finally(() => {
    settled = true;
  });
  outcome.catch(() => undefined);
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    if (settled) return outcome;
    clock.advance(50);
  }
}

const wait = (retryAfter?: number): Look<string> => ({ kind: 'wait', retryAfter });
const lost = new IssueError('E_ACME_UNREACHABLE', 'lost', { retryAfter: 1000 });

it('looks less and less often, and a last time when the time is up', async () => {
  await expect(run(() => wait())).rejects.toMatchObject({
    code: 'E_ACME_STUCK',
    message: 'the order was not done within 90 s',
  });
  expect(looks.slice(0, 6)).toEqual([0, 250, 750, 1750, 3750, 7750]);
  expect(looks.at(-1)).toBe(90_000);
});

it('never looks earlier than the authority wants to be asked', async () => {
  const value = await run((count) => (count < 4 ? wait(12_000) : { kind: 'done', value: 'end' }));
  expect(value).toBe('end');
  expect(looks).toEqual([0, 12_000, 24_000, 36_000]);
});

it('gives up at once when the authority wants more time than there is', async () => {
  await expect(run(() => wait(86_400_000))).rejects.toMatchObject({
    code: 'E_ACME_STUCK',
    retryAfter: 86_400_000,
  });
  expect(looks).toEqual([0]);
});

it('survives two lost answers in a row, not three', async () => {
  const value = await run((count) => {
    if (count <= 2) throw lost;
    return { kind: 'done', value: 'end' };
  });
  expect(value).toBe('end');
  expect(looks).toEqual([0, 1000, 2000]);
  await expect(
    run(() => {
      throw lost;
    }),
  ).rejects.toBe(lost);
});

it('does not look again after a refusal', async () => {
  const refused = new IssueError('E_ACME_REFUSED', 'no');
  await expect(
    run(() => {
      throw refused;
    }),
  ).rejects.toBe(refused);
  expect(looks).toHaveLength(1);
});

it('stops in the middle of a pause, and leaves no timer', async () => {
  const outcome = run((count) => {
    if (count === 1) setImmediate(() => controller.abort(new Error('not any more')));
    return wait(60_000);
  });
  await expect(outcome).rejects.toThrow('not any more');
  expect(clock.pending).toBe(0);
});

import { expect, it } from 'vitest';
import { createTokenStatuses, revocationPace } from '../../../src/auth/resource/token-status.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { buildTokenPrincipal } from '../outbound/principals.ts';

it('a question that could not be put is put at the next look, one that was put after three seconds', async () => {
  const clock = new ManualClock();
  const statuses = createTokenStatuses({ clock });
  const principal = buildTokenPrincipal();
  let isBusy = true;
  let asked = 0;
  const ask = async (): Promise<'unasked' | 'active'> => {
    asked += 1;
    return isBusy ? 'unasked' : 'active';
  };
  statuses.watch(principal, ask, revocationPace);
  const look = async (): Promise<number> => {
    clock.advance(1000);
    statuses.isActive(principal);
    await new Promise(setImmediate);
    return asked;
  };
  expect([await look(), await look(), await look(), await look()]).toEqual([0, 0, 1, 2]);
  isBusy = false;
  expect([await look(), await look(), await look(), await look()]).toEqual([3, 3, 3, 4]);
});

import { describe, expect, it } from 'vitest';
import { createClientRegistration } from '../../../src/auth/server/registration.ts';
import { createMemoryStore } from '../../../src/state/store/memory-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function create(): (address: string, redirect?: string) => Promise<number> {
  const clock = new ManualClock(1_800_000_000_000);
  const registration = createClientRegistration({
    store: createMemoryStore({ clock }),
    clock,
    redirects: [],
    usedClientLifetime: 86_400_000,
    onEvent: () => undefined,
  });
  return async (address, redirect = 'https://app.example.com/callback') => {
    const body = JSON.stringify({ redirect_uris: [redirect] });
    return (await registration.register({ body, address })).status;
  };
}

describe('registration-flood', () => {
  it('of one IPv6 network, which has as many addresses as it likes, closes registration for nobody else', async () => {
    const register = create();
    const statuses: number[] = [];
    for (let index = 0; index < 640; index += 1)
      statuses.push(await register(`2001:db8:1:2::${index.toString(16)}`));
    expect(statuses.filter((status) => status === 201)).toHaveLength(30);
    expect(await register('2001:db8:1:3::1')).toBe(201);
  });

  it('of requests that register nothing closes it for nobody', async () => {
    const register = create();
    for (let index = 0; index < 1300; index += 1)
      expect(await register(`198.51.100.${index % 40}`, 'javascript:alert(1)')).toBe(400);
    expect(await register('198.51.100.1')).toBe(201);
  });

  it('of many networks fills no disk', async () => {
    const register = create();
    for (let index = 0; index < 600; index += 1) expect(await register(`203.0.113.${index % 40}`)).toBe(201);
    expect(await register('198.51.100.1')).toBe(429);
  });
});

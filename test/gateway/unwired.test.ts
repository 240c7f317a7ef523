import { describe, expect, it } from 'vitest';
import { findUnwired } from '../../src/gateway/unwired.ts';
import { configOf } from '../config/load-text.ts';

const route = (more: string): Promise<Parameters<typeof findUnwired>[0]> =>
  configOf(`routes: [{ upstream: 8000${more} }]\n`);

describe('what is not served yet', () => {
  it.each([
    ['oauth', ', auth: { oauth: { issuer: "https://id.example.com" } }'],
    ['rules', ', auth: { keys: stored }, rules: [{ allow: [search] }]'],
    ['credentials', ', auth: { keys: stored }, credentials: { jwt: {} }'],
  ])('is refused with a way out, never ignored: %s', async (_name, more) => {
    expect(findUnwired(await route(more))).toMatchObject({
      code: 'E_CONFIG_VALUE',
      fix: expect.stringContaining('keys create'),
    });
  });

  it.each([
    ['nothing', ''],
    ['stored keys', ', auth: { keys: stored }'],
  ])('is not %s', async (_name, more) => {
    expect(findUnwired(await route(more))).toBeUndefined();
  });
});

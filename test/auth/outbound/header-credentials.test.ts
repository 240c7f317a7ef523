import { describe, expect, it } from 'vitest';
import { createOutboundCredentials, type OutboundConfig } from '../../../src/auth/outbound/credentials.ts';
import { createSigningKeys } from '../../../src/auth/outbound/signing-keys.ts';
import { createSecretFiles } from '../../../src/state/secret-files.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { buildTokenPrincipal } from './principals.ts';

const clock = new ManualClock();
const options = {
  clock,
  upstream: 'http://127.0.0.1:8000/mcp',
  issuer: 'https://mcp.example.com',
  soleIssuer: undefined,
  keys: createSigningKeys({ texts: createSecretFiles('/nowhere', clock), clock, report: () => undefined }),
  post: () => Promise.reject(new Error('nothing is posted')),
};

function createHeader(name: string, value: string): ReturnType<typeof createOutboundCredentials> {
  const config: OutboundConfig = { kind: 'header', name, value };
  return createOutboundCredentials(config, options);
}

it('no credentials are no fields', () => {
  const credentials = createOutboundCredentials({ kind: 'none' }, options);
  expect(credentials.fieldsFor(buildTokenPrincipal(), 'x')).toEqual({ ok: true, value: [] });
  expect(credentials.names).toEqual([]);
});

describe('a static header', () => {
  it('is the same for everyone, and takes the place of the client’s own', () => {
    const credentials = createHeader('X-Upstream-Key', 'k e\ty');
    expect(credentials.names).toEqual(['x-upstream-key']);
    const fields = credentials.fieldsFor(undefined, undefined);
    expect(fields).toEqual({ ok: true, value: ['x-upstream-key', 'k e\ty'] });
    expect(credentials.fieldsFor(buildTokenPrincipal(), 'x')).toBe(fields);
  });

  it.each(['', ' ', 'a ', ' a', 'a\r\nx: y', 'a\n', 'a\0', 'ä', '\u2028'])(
    'header-injection: the value %j is refused without being shown',
    (value) => {
      expect(() => createHeader('authorization', value)).toThrow(
        expect.objectContaining({
          code: 'E_CONFIG_VALUE',
          message: expect.stringMatching(/^the value for the header `authorization` is/) as string,
        }) as Error,
      );
    },
  );

  it.each(['', 'a b', 'a:', 'x\r\ny', 'ä', 'Host', 'transfer-encoding', 'Content-Length', 'connection'])(
    'request-smuggling: the name %j is refused',
    (name) => {
      expect(() => createHeader(name, 'x')).toThrow(/cannot be a header/);
    },
  );
});

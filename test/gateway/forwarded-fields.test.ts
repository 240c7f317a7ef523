import { describe, expect, it } from 'vitest';
import { appendOutbound, isForwarded } from '../../src/gateway/forwarded-fields.ts';

const outbound = {
  names: ['x-user', 'authorization'],
  fields: ['x-user', 'ann', 'authorization', 'Bearer own'],
};

describe('a field of a client', () => {
  it.each(['accept', 'content-type', 'mcp-session-id', 'x-request-id', 'x-auth-token'])(
    '%s goes on to the server',
    (name) => {
      expect(isForwarded(name, false, undefined)).toBe(true);
      expect(isForwarded(name, true, outbound)).toBe(true);
    },
  );

  it.each(['x-forwarded-for', 'forwarded', 'x-real-ip', 'x-auth-user', 'proxy'])(
    'spoofing: %s is a claim, and never goes on',
    (name) => expect(isForwarded(name, false, undefined)).toBe(false),
  );

  it.each(['authorization', 'x-api-key'])('token-leak: %s stays here where it is for us alone', (name) => {
    expect(isForwarded(name, true, undefined)).toBe(false);
    expect(isForwarded(name, false, undefined)).toBe(true);
  });

  it('spoofing: what we say ourselves is not said by a client', () => {
    expect(isForwarded('x-user', false, outbound)).toBe(false);
    expect(isForwarded('authorization', false, outbound)).toBe(false);
    expect(isForwarded('x-api-key', false, outbound)).toBe(true);
  });
});

describe('what we say ourselves', () => {
  it('stands behind the head, a line each', () => {
    expect(appendOutbound('a: b\r\n', outbound)).toBe('a: b\r\nx-user: ann\r\nauthorization: Bearer own\r\n');
  });

  it('is nothing where there is nothing to say', () => {
    expect(appendOutbound('a: b\r\n', undefined)).toBe('a: b\r\n');
  });
});

import { describe, expect, it } from 'vitest';
import { isClaimedField } from '../../src/http/forwarded.ts';
import {
  claimedForwards,
  claimedHeaders,
  claimedMembers,
  claimedPrefixes,
} from '../../src/render/claimed-headers.ts';

const all = [...claimedHeaders, ...claimedMembers, ...claimedForwards];

describe('headers that engines delete', () => {
  it.each(all)('%s is one that the gateway does not believe either', (name) => {
    expect(isClaimedField(name.toLowerCase())).toBe(true);
  });

  it.each(claimedPrefixes)('%s begins none that MCP or a login needs', (prefix) => {
    const needed = [
      'authorization',
      'x-api-key',
      'x-auth-token',
      'x-auth-key',
      'mcp-session-id',
      'last-event-id',
    ];
    expect(needed.filter((name) => name.startsWith(prefix.toLowerCase()))).toEqual([]);
  });

  it('are named once', () => {
    const names = all.map((name) => name.toLowerCase());
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('identity smuggling: each member in use is caught by a name or a beginning', () => {
    const missed = claimedMembers.filter(
      (member) =>
        !member.startsWith('X-Forwarded-') &&
        !claimedPrefixes.some((prefix) => member.toLowerCase().startsWith(prefix.toLowerCase())),
    );
    expect(missed).toEqual([]);
  });
});

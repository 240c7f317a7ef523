import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildIdentityClaims } from '../../../src/auth/outbound/identity-claims.ts';
import { buildKeyPrincipal, buildTokenPrincipal } from './principals.ts';

const soleIssuer = 'https://idp.example.com';

describe('the claims about a caller', () => {
  it('with a token are those of the token', () => {
    expect(buildIdentityClaims(buildTokenPrincipal(), soleIssuer)).toEqual({
      sub: 'alice',
      client_id: 'cli',
      sub_id: { format: 'iss_sub', iss: soleIssuer, sub: 'alice' },
      scope: 'tools:read tools:call',
      groups: ['staff'],
    });
  });

  it('with a key or certificate name it; without either they say so', () => {
    expect(buildIdentityClaims(buildKeyPrincipal('ci'), soleIssuer)).toEqual({
      sub: 'key:ci',
      client_id: 'key:ci',
    });
    expect(buildIdentityClaims(undefined, soleIssuer)).toEqual({ sub: 'anonymous', client_id: 'anonymous' });
  });

  it('with a token that names no subject stand for its client', () => {
    const principal = buildTokenPrincipal({ subject: undefined, id: 'token:https://idp.example.com  cli' });
    expect(buildIdentityClaims(principal, soleIssuer)).toMatchObject({
      sub: 'token:https://idp.example.com  cli',
      client_id: 'cli',
    });
  });
});

describe('subject-confusion', () => {
  it('two issuers that both know an alice know two people', () => {
    const other = 'https://other.example.com';
    const subjects = [soleIssuer, other].map(
      (issuer) => buildIdentityClaims(buildTokenPrincipal({ issuer }), undefined).sub,
    );
    expect(subjects).toEqual([`${soleIssuer}|alice`, `${other}|alice`]);
    // A token of another issuer than the sole one, should one ever come this far, is not that one's alice.
    expect(buildIdentityClaims(buildTokenPrincipal({ issuer: other }), soleIssuer).sub).toBe(
      `${other}|alice`,
    );
  });

  it.each(['key:ci', 'certificate:ci', 'token:x', 'anonymous', `sha256:${'0'.repeat(64)}`])(
    'nobody becomes %s by choosing that name at the issuer',
    (subject) => {
      const { sub } = buildIdentityClaims(buildTokenPrincipal({ subject }), soleIssuer);
      expect(sub).toBe(`${soleIssuer}|${subject}`);
    },
  );

  it('different callers have different subjects', () => {
    const names = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom(
        'key:ci',
        'anonymous',
        'https://idp.example.com|alice',
        'x'.repeat(513),
        'x'.repeat(514),
      ),
    );
    const issuers = fc.constantFrom(soleIssuer, 'https://other.example.com', 'https://idp.example.com/a');
    const caller = fc.oneof(
      fc.record({ issuer: issuers, subject: names }).map((values) => buildTokenPrincipal(values)),
      names.map((name) => buildKeyPrincipal(name)),
    );
    fc.assert(
      fc.property(caller, caller, (left, right) => {
        const isSame =
          left.method === right.method && left.issuer === right.issuer && left.subject === right.subject;
        fc.pre(!isSame || left.method === 'token' || left.id !== right.id);
        const subjects = [left, right].map((principal) => buildIdentityClaims(principal, undefined).sub);
        expect(subjects[0] === subjects[1]).toBe(isSame && left.method === 'token');
      }),
    );
  });
});

describe('huge claims', () => {
  it('names are replaced by their digest, which tells them apart as well', () => {
    const [first, second] = ['a', 'b'].map((end) =>
      buildIdentityClaims(
        buildTokenPrincipal({ subject: 'x'.repeat(7000) + end, client: 'y'.repeat(7000) }),
        soleIssuer,
      ),
    );
    expect(first?.sub).toMatch(/^sha256:[\da-f]{64}$/);
    expect(first?.client_id).toMatch(/^sha256:[\da-f]{64}$/);
    expect(first?.sub).not.toBe(second?.sub);
    expect(first).not.toHaveProperty('sub_id');
  });

  it('lists are left out whole, and that is said', () => {
    const long = Array.from({ length: 400 }, (_value, index) => `group-${index}`);
    expect(buildIdentityClaims(buildTokenPrincipal({ groups: long, scopes: long }), soleIssuer)).toEqual({
      sub: 'alice',
      client_id: 'cli',
      sub_id: { format: 'iss_sub', iss: soleIssuer, sub: 'alice' },
      omitted: ['scope', 'groups'],
    });
  });

  it('never make more than 8 KiB', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 3000 });
    fc.assert(
      fc.property(text, text, fc.array(text, { maxLength: 60 }), (subject, client, list) => {
        const claims = buildIdentityClaims(
          buildTokenPrincipal({ subject, client, scopes: list, groups: list }),
          soleIssuer,
        );
        expect(JSON.stringify(claims).length).toBeLessThan(16_384);
      }),
    );
  });
});

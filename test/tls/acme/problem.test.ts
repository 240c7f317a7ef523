import { describe, expect, it } from 'vitest';
import type { AcmeHttpResponse } from '../../../src/tls/acme/acme-http.ts';
import {
  ProblemError,
  toChallengeError,
  toProblemError,
  toResponseError,
} from '../../../src/tls/acme/problem.ts';

const now = Date.UTC(2026, 8, 21, 12);
const context = { title: 'Example CA', verdict: 'refuses the order' };

function respond(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): AcmeHttpResponse {
  const isText = typeof body === 'string';
  return {
    status,
    headers: { 'content-type': isText ? 'text/html' : 'application/problem+json', ...headers },
    body: isText ? body : JSON.stringify(body),
  };
}

function problem(name: string, more: object = {}): { type: string } {
  return { type: `urn:ietf:params:acme:error:${name}`, ...more };
}

describe('toResponseError', () => {
  it.each([
    ['rateLimited', 429, 'E_ACME_RATE_LIMITED'],
    ['rateLimited', 503, 'E_ACME_RATE_LIMITED'],
    ['rejectedIdentifier', 400, 'E_ACME_REFUSED'],
    ['unsupportedIdentifier', 400, 'E_ACME_REFUSED'],
    ['caa', 403, 'E_ACME_REFUSED'],
    ['badCSR', 400, 'E_ACME_REFUSED'],
    ['invalidProfile', 400, 'E_ACME_REFUSED'],
    ['unauthorized', 403, 'E_ACME_REFUSED'],
    ['malformed', 400, 'E_ACME_REFUSED'],
    ['externalAccountRequired', 403, 'E_ACME_ACCOUNT'],
    ['invalidContact', 400, 'E_ACME_ACCOUNT'],
    ['unsupportedContact', 400, 'E_ACME_ACCOUNT'],
    ['accountDoesNotExist', 400, 'E_ACME_ACCOUNT'],
    ['userActionRequired', 403, 'E_ACME_TERMS'],
    ['badNonce', 400, 'E_ACME_UNREACHABLE'],
    ['serverInternal', 500, 'E_ACME_UNREACHABLE'],
    ['malformed', 502, 'E_ACME_UNREACHABLE'],
  ])('turns %s with status %i into %s', (name, status, code) => {
    expect(toResponseError(respond(status, problem(name)), context, now).code).toBe(code);
  });

  it("keeps the authority's words and how long it wants to be left alone", () => {
    const body = problem('rateLimited', { detail: 'too many certificates already issued' });
    const error = toResponseError(respond(429, body, { 'retry-after': '3600' }), context, now);
    expect(error).toMatchObject({
      problem: 'rateLimited',
      retryAfter: 3_600_000,
      message: 'Example CA refuses the order: too many certificates already issued',
    });
  });

  it('calls an authority unreachable when something else answers in its place', () => {
    const page = respond(502, '<html>Bad gateway</html>', { 'retry-after': '120' });
    const error = toResponseError(page, context, now);
    expect(error).toMatchObject({ code: 'E_ACME_UNREACHABLE', retryAfter: 120_000 });
    expect(error.message).not.toContain('html');
    expect(toResponseError(respond(302, 'elsewhere'), context, now).code).toBe('E_ACME_UNREACHABLE');
    expect(toResponseError(respond(404, 'nothing'), context, now).code).toBe('E_ACME_UNREACHABLE');
  });

  it('knows a rate limit without a problem document', () => {
    const error = toResponseError(respond(429, 'slow down', { 'retry-after': '60' }), context, now);
    expect(error).toMatchObject({ code: 'E_ACME_RATE_LIMITED', retryAfter: 60_000 });
  });

  it('takes the code of a compound problem from its parts and names the identifiers', () => {
    const subproblems = [
      problem('caa', { detail: 'CAA forbids it', identifier: { type: 'dns', value: 'a.example.com' } }),
      problem('malformed', { identifier: { type: 'dns', value: 'b.example.com' } }),
    ];
    const body = problem('compound', { detail: 'several errors', subproblems });
    const error = toResponseError(respond(403, body), context, now);
    expect(error.code).toBe('E_ACME_REFUSED');
    expect(error.message).toContain(
      'several errors; a.example.com: CAA forbids it; b.example.com: malformed',
    );
  });

  it('shows where terms can be accepted', () => {
    const body = problem('userActionRequired', { instance: 'https://ca.example.com/terms/2' });
    expect(toResponseError(respond(403, body), context, now).hint).toContain(
      'https://ca.example.com/terms/2',
    );
  });
});

describe('an authority that writes to the terminal (escape sequences in a problem)', () => {
  const hostile = 'no\u001B[2J\u001B]0;owned\u0007\r\nexit=0\u202Egnp.\u2028next\u009B31m';

  it('gets its words onto one line without anything that steers', () => {
    const subproblems = [problem('dns', { detail: hostile, identifier: { type: 'dns', value: hostile } })];
    const error = toProblemError(problem('caa', { detail: hostile, subproblems }), context);
    expect(error.message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(error.message).toContain('no [2J ]0;owned exit=0 gnp. next 31m');
  });

  it('control: the words are in the problem', () => {
    expect(hostile).toMatch(/\p{Cc}/u);
  });

  it('cannot fill the screen', () => {
    const error = toProblemError(problem('caa', { detail: 'x'.repeat(100_000) }), context);
    expect(error.message.length).toBeLessThan(500);
  });

  it('cannot send a person elsewhere in a hint of many lines', () => {
    const error = toProblemError(
      problem('userActionRequired', { instance: `https://a\n\u001B[1m` }),
      context,
    );
    expect(error.hint).not.toMatch(/\p{Cc}/u);
  });
});

describe('toChallengeError', () => {
  it.each([
    ['connection', 'E_ACME_CHALLENGE'],
    ['dns', 'E_ACME_CHALLENGE'],
    ['tls', 'E_ACME_CHALLENGE'],
    ['incorrectResponse', 'E_ACME_CHALLENGE'],
    ['unauthorized', 'E_ACME_CHALLENGE'],
    ['malformed', 'E_ACME_CHALLENGE'],
    ['caa', 'E_ACME_REFUSED'],
    ['rateLimited', 'E_ACME_RATE_LIMITED'],
    ['serverInternal', 'E_ACME_UNREACHABLE'],
  ])('turns %s into %s', (name, code) => {
    const error = toChallengeError(problem(name, { detail: 'why' }), context);
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({ code, message: 'Example CA refuses the order: why' });
  });

  it('says that no reason was given', () => {
    expect(toChallengeError(undefined, context)).toMatchObject({ code: 'E_ACME_CHALLENGE' });
  });
});

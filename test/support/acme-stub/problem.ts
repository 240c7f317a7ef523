import type { StubResponse } from './exchange.ts';

/** An error of RFC 8555 section 6.7; `type` without the namespace. */
export interface Problem {
  readonly type: string;
  readonly status: number;
  readonly detail: string;
  /** Further members, such as `subproblems` or `algorithms`. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

const namespace = 'urn:ietf:params:acme:error:';

export function malformed(detail: string, status = 400): Problem {
  return { type: 'malformed', status, detail };
}

export function unauthorized(detail: string): Problem {
  return { type: 'unauthorized', status: 403, detail };
}

/** `seconds` say when it is worth coming back. */
export function rateLimited(detail: string, seconds: number): Problem {
  return { type: 'rateLimited', status: 429, detail, headers: { 'retry-after': String(seconds) } };
}

/** The problem as an object of JSON, as orders and challenges carry it. */
export function toProblemObject(problem: Problem): Readonly<Record<string, unknown>> {
  const { type, status, detail, members } = problem;
  return { type: `${namespace}${type}`, status, detail, ...members };
}

export function toProblemResponse(problem: Problem): StubResponse {
  return {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json', ...problem.headers },
    body: JSON.stringify(toProblemObject(problem)),
  };
}

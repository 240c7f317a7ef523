import type { ChallengeSolver } from './challenge.ts';

/** Holds the answers of `http-01` for the listener of port 80 (RFC 8555 section 8.3). */
export interface HttpSolver extends ChallengeSolver {
  readonly type: 'http-01';
  /** The body for `/.well-known/acme-challenge/` and the token, as application/octet-stream; undefined for a token that is not ours. */
  answerFor(token: string): string | undefined;
}

export function createHttpSolver(): HttpSolver {
  const answers = new Map<string, string>();
  return {
    type: 'http-01',
    present({ token, keyAuthorization }) {
      answers.set(token, keyAuthorization);
      return Promise.resolve();
    },
    remove({ token }) {
      answers.delete(token);
      return Promise.resolve();
    },
    answerFor: (token) => answers.get(token),
  };
}

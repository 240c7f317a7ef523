import type { ChallengeBoard } from './challenge-board.ts';
import type { ChallengeSolver } from './challenge.ts';

/** Holds the answers of `http-01` for the listener of port 80 (RFC 8555 section 8.3). */
export interface HttpSolver extends ChallengeSolver {
  readonly type: 'http-01';
  /** The body for `/.well-known/acme-challenge/` and the token, as application/octet-stream; undefined for a token that is not ours. */
  answerFor(token: string): string | undefined;
}

/** Tokens are base64url (RFC 8555 section 8.1); nothing else is looked for. */
const tokenForm = /^[\w-]{1,256}$/;

export function createHttpSolver(board: ChallengeBoard): HttpSolver {
  const answers = new Map<string, string>();
  return {
    type: 'http-01',
    present({ token, keyAuthorization }) {
      answers.set(token, keyAuthorization);
      return board.put(toTopic(token), keyAuthorization);
    },
    remove({ token }) {
      answers.delete(token);
      return board.remove(toTopic(token));
    },
    answerFor: (token) =>
      answers.get(token) ?? (tokenForm.test(token) ? board.read(toTopic(token)) : undefined),
  };
}

function toTopic(token: string): string {
  return `http-01 ${token}`;
}

import type { ChallengeBoard } from '../../src/tls/acme/challenge-board.ts';

/** A board that one process has for itself. */
export function createMemoryBoard(): ChallengeBoard {
  const texts = new Map<string, string>();
  return {
    async put(topic, text) {
      texts.set(topic, text);
    },
    async remove(topic) {
      texts.delete(topic);
    },
    read: (topic) => texts.get(topic),
  };
}

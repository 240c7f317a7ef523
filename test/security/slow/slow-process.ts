/** A program: the slow clients of `slow-clients.ts`, spread over the addresses 127.0.0.2 to 127.0.0.20. */
import { openSlowClient, type SlowClient } from './slow-client.ts';
import { slowKinds, type SlowCommand, type SlowFigures, type SlowReport } from './slow-protocol.ts';

const ADDRESSES = 19;
const TRICKLE_MILLISECONDS = 1000;
const LOOK_MILLISECONDS = 20;
/** Handshakes under way at the same moment. */
const MOST_HANDSHAKES = 40;

process.on('message', (message) => {
  // The parent checks its commands against the same type.
  void attack(message as SlowCommand).then((report) => process.send?.(report));
});

async function attack(command: SlowCommand): Promise<SlowReport> {
  const { port, ca, counts, perSecond, patience } = command;
  const clients: SlowClient[] = [];
  // One of each kind in turn, so that all kinds hold on at the same time.
  const most = Math.max(...Object.values(counts));
  const plan = Array.from({ length: most }, (_, round) =>
    slowKinds.filter((kind) => round < (counts[kind] ?? 0)),
  ).flat();
  const trickle = setInterval(() => {
    for (const client of clients) client.trickle();
  }, TRICKLE_MILLISECONDS);
  const perLook = Math.max(1, Math.round((perSecond * LOOK_MILLISECONDS) / 1000));
  let lastAt = 0;
  await new Promise<void>((resolve) => {
    const look = setInterval(() => {
      const now = performance.now();
      // What was missed is not caught up with: on a busy machine a burst of handshakes would only measure itself.
      const shaking = clients.filter(
        ({ establishedAt, hasEnded }) => establishedAt === undefined && !hasEnded,
      );
      const room = Math.min(perLook, MOST_HANDSHAKES - shaking.length);
      for (const kind of plan.slice(clients.length, clients.length + Math.max(0, room))) {
        const localAddress = `127.0.0.${2 + (clients.length % ADDRESSES)}`;
        clients.push(openSlowClient(kind, { port, ca, localAddress }));
        lastAt = now;
      }
      if (clients.length < plan.length) return;
      if (now - lastAt < patience && clients.some(({ hasEnded }) => !hasEnded)) return;
      clearInterval(look);
      resolve();
    }, LOOK_MILLISECONDS);
  });
  clearInterval(trickle);
  const report = Object.fromEntries(
    Object.keys(counts).map((kind) => [kind, summarize(clients.filter((client) => client.kind === kind))]),
  );
  for (const client of clients) client.leave();
  return report;
}

function summarize(clients: readonly SlowClient[]): SlowFigures {
  const lives = clients.flatMap(({ establishedAt, cutAt }) =>
    establishedAt === undefined || cutAt === undefined ? [] : [cutAt - establishedAt],
  );
  return {
    opened: clients.length,
    cut: lives.length,
    refused: clients.filter(({ establishedAt, hasEnded }) => establishedAt === undefined && hasEnded).length,
    longest: Math.max(0, ...lives),
  };
}

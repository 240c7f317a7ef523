/** A program: a tenant that makes so many calls a second on a few connections, whatever it is answered. */
import { setTimeout as sleep } from 'node:timers/promises';
import { readFinalAnswers, type ReceivedAnswer } from '../support/answers.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost, connectRaw, type RawClient } from '../support/raw-client.ts';
import type { GreedyCommand, GreedyReport } from './greedy-tenant-protocol.ts';

const CONNECTIONS = 64;
const ID = 4711;

let admitted = 0;
let refused = 0;
let perSecond = 0;
let startedAt = 0;
let isStopped = false;
let running: readonly Promise<void>[] = [];
const other: Record<string, number> = {};

process.on('message', (message) => {
  // The parent checks its commands against the same type.
  void obey(message as GreedyCommand).then((answer) => process.send?.(answer));
});

async function obey(command: GreedyCommand): Promise<GreedyReport> {
  if (command.kind === 'start') {
    const { port, ca } = command;
    const clients = await Promise.all(
      Array.from({ length: CONNECTIONS }, () => connectRaw({ port, ca, localAddress: '127.0.0.7' })),
    );
    startedAt = performance.now();
    running = clients.map((client, index) => callOnAndOn(client, { command, index }));
  } else {
    isStopped = true;
    perSecond = ((admitted + refused) * 1000) / (performance.now() - startedAt);
    await Promise.all(running);
  }
  return { admitted, refused, other, perSecond };
}

type Start = Extract<GreedyCommand, { kind: 'start' }>;

/** Each connection makes its share of the calls; one that is late makes up for it. */
async function callOnAndOn(
  client: RawClient,
  { command: { fields, perSecond: rate }, index }: { readonly command: Start; readonly index: number },
): Promise<void> {
  const spacing = (1000 * CONNECTIONS) / rate;
  const request = buildPost(buildCall({ id: ID }), { fields });
  try {
    for (let made = 0; !isStopped; made++) {
      const wait = startedAt + (made + index / CONNECTIONS) * spacing - performance.now();
      if (wait > 1) await sleep(wait);
      client.clear();
      client.send(request);
      const text = await client.until((received) => readFinalAnswers(received)[0]?.complete === true);
      const [answer] = readFinalAnswers(text);
      if (answer?.status === 200) admitted++;
      else if (answer !== undefined && isRefusal(answer)) refused++;
      else count(`status ${answer?.status}`);
    }
    client.socket.destroy();
  } catch (error) {
    count(error instanceof Error ? error.message : String(error));
  }
}

function isRefusal(answer: ReceivedAnswer): boolean {
  const { id, error } = JSON.parse(answer.body) as { id?: unknown; error?: unknown }; // Errors are JSON-RPC.
  return (
    answer.status === 429 && Number(answer.field('retry-after')) >= 1 && id === ID && error !== undefined
  );
}

function count(reason: string): void {
  other[reason] = (other[reason] ?? 0) + 1;
}

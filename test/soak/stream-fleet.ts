/**
 * A program: the upstream, the silence-cutting relay and all clients of the day-long test. They share one
 * process under libfaketime, so that what was sent, what arrived and what was cut is timed by one clock.
 */
import { once } from 'node:events';
import type { FleetMessage, FleetOrder, StreamReport } from './fleet-protocol.ts';
import { openQuietClient, openSession, type QuietClient } from './quiet-client.ts';
import { startQuietUpstream } from './quiet-upstream.ts';
import { startSilenceRelay } from './silence-relay.ts';

const STREAMS_PER_SESSION = 5;
/** Three of five streams are HTTP/1.1, each on its own connection. */
const HTTP1_SHARE = 0.6;
/** What was sent last is on its way for a moment. */
const SETTLE = 60_000;

const now = (): number => performance.now();
const upstream = await startQuietUpstream();
tell({ kind: 'listening', upstreamPort: upstream.port });
// The parent sends nothing else, and checks its messages against the same type.
const [order] = (await once(process, 'message')) as [FleetOrder];
const relay = await startSilenceRelay(order.gatewayPort);
const clients = await openClients();
const openedAt = now();
for (const { ledger } of clients) ledger.startTiming();
if (order.cutAfter > 0) relay.cutAfter(order.cutAfter);
tell({ kind: 'open' });
await new Promise((resolve) => setTimeout(resolve, order.duration));
upstream.hush();
await new Promise((resolve) => setTimeout(resolve, SETTLE));
const { cuts } = relay;
const streams = clients.map(report);
for (const client of clients) client.close();
relay.stop();
await upstream.stop();
process.send?.({ kind: 'done', streams, cuts } satisfies FleetMessage, () => process.exit(0));

/** One after the other: a virtual minute of waiting for a handshake is a tenth of a real second. */
async function openClients(): Promise<QuietClient[]> {
  const { ca } = order;
  const opened: QuietClient[] = [];
  const withHttp1 = Math.floor(order.streams * HTTP1_SHARE);
  let session: Awaited<ReturnType<typeof openSession>> | undefined;
  for (let index = 0; index < order.streams; index++) {
    const isHttp2 = index >= withHttp1;
    if (isHttp2 && (index - withHttp1) % STREAMS_PER_SESSION === 0) {
      session = await openSession({ port: relay.port, ca });
    }
    const era = index % 2 === 0 ? 'legacy' : 'modern';
    const label = `stream-${index}-${era}-${isHttp2 ? 'h2' : 'h1'}`;
    opened.push(await openQuietClient({ port: relay.port, ca, label, era, session, now }));
  }
  return opened;
}

function report({ label, ledger, dropped }: QuietClient): StreamReport {
  return {
    label,
    dropped: dropped?.reason,
    droppedAt: dropped === undefined ? undefined : dropped.at - openedAt,
    comments: ledger.comments,
    events: ledger.events,
    silences: ledger.silences.map(Math.round),
    sent: upstream.digest(label),
    received: ledger.digest(),
  };
}

function tell(message: FleetMessage): void {
  process.send?.(message);
}

import { createHash, type Hash } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  eventStreamHead,
  startScriptedUpstream,
  toChunk,
  type ReceivedRequest,
  type ScriptedUpstream,
} from '../support/scripted-upstream.ts';

const HOUR = 3_600_000;
const PERIOD = 3 * HOUR;
/** Far longer than a heartbeat: no comment may come in between. */
const PAUSE_INSIDE_EVENT = 40_000;

/** A server whose streams are silent for hours between numbered events. */
export interface QuietUpstream {
  readonly port: number;
  /** SHA-256 of all that was sent on a stream, in hex; it takes nothing more. */
  digest(label: string): string;
  /** Sends nothing further. */
  hush(): void;
  stop(): Promise<void>;
}

export async function startQuietUpstream(): Promise<QuietUpstream> {
  const hashes = new Map<string, Hash>();
  const timers = new Set<NodeJS.Timeout>();
  const schedule = (task: () => void, delay: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      task();
    }, delay);
    timers.add(timer);
  };
  const upstream: ScriptedUpstream = await startScriptedUpstream((request) => {
    const label = readLabel(request);
    const hash = createHash('sha256');
    hashes.set(label, hash);
    serve({ label, hash, socket: request.socket, isLegacy: request.head.startsWith('GET'), schedule });
  });
  return {
    port: upstream.port,
    digest: (label) => hashes.get(label)?.digest('hex') ?? 'never asked',
    hush() {
      for (const timer of timers) clearTimeout(timer);
    },
    stop: () => upstream.stop(),
  };
}

/** Legacy streams are told apart by their session, modern ones by the id of the call that opened them. */
function readLabel({ head, body }: ReceivedRequest): string {
  return /^mcp-session-id: (\S+)/im.exec(head)?.[1] ?? /"id":"([^"]+)"/.exec(body)?.[1] ?? 'unlabelled';
}

interface QuietStream {
  readonly label: string;
  readonly hash: Hash;
  readonly socket: Socket;
  readonly isLegacy: boolean;
  readonly schedule: (task: () => void, delay: number) => void;
}

function serve(stream: QuietStream): void {
  const { label, schedule } = stream;
  stream.socket.write(eventStreamHead);
  send(stream, buildOpening(stream));
  let sequence = 0;
  const next = (): void => {
    sequence++;
    const event = buildEvent(stream, sequence);
    schedule(next, PERIOD);
    if (sequence % 3 !== 0) {
      send(stream, event);
      return;
    }
    const cut = Math.floor(event.length / 2);
    send(stream, event.slice(0, cut));
    schedule(() => send(stream, event.slice(cut)), PAUSE_INSIDE_EVENT);
  };
  // The number of a stream spreads the events over the period.
  schedule(next, (PERIOD * (1 + (Number(/\d+/.exec(label)?.[0] ?? 0) % 50))) / 51);
}

function send({ hash, socket }: QuietStream, text: string): void {
  hash.update(text);
  socket.write(toChunk(text));
}

/** The priming event of 2025-11-25, or the acknowledgement that opens a subscription of 2026-07-28. */
function buildOpening({ label, isLegacy }: QuietStream): string {
  if (isLegacy) return `id: ${label}-0\nretry: 3000\ndata:\n\n`;
  return toMessage('notifications/subscriptions/acknowledged', {
    notifications: { toolsListChanged: true },
    _meta: { 'io.modelcontextprotocol/subscriptionId': label },
  });
}

/** Carries what a careless relay would touch: the text of our comment inside data, and comments of the server. */
function buildEvent({ label, isLegacy }: QuietStream, sequence: number): string {
  const fields = isLegacy ? `id: ${label}-${sequence}\nevent: message\n` : '';
  const subscription = isLegacy ? {} : { 'io.modelcontextprotocol/subscriptionId': label };
  const message = toMessage('notifications/tools/list_changed', {
    _meta: { ...subscription, sequence, text: ': keepalive\n\n' },
  });
  return `${fields}: from the server\n${message}`;
}

function toMessage(method: string, params: object): string {
  return `data: ${JSON.stringify({ jsonrpc: '2.0', method, params })}\n\n`;
}

import { foldCase } from './envelope-keys.ts';
import { visitBatch, type Envelope } from './envelope.ts';
import type { NotificationEnvelope, RequestEnvelope } from './message-envelope.ts';

/** One thing a message asks for, to be decided on. */
export interface Operation {
  readonly method: string;
  /** What it acts on; `none` where the method names nothing. */
  readonly kind: 'tool' | 'prompt' | 'resource' | 'none';
  /** Name of the tool or prompt, URI of the resource; `undefined` where the body has none, or it is not a string. */
  readonly name: string | undefined;
}

/**
 * Shows what a message asks for, read from `body`, which `scanEnvelope` has read as `envelope`: each message of a batch by itself,
 * and each resource that `subscriptions/listen` watches. An answer of the client asks for nothing.
 */
export function visitOperations(
  envelope: Envelope,
  body: Buffer,
  visit: (operation: Operation) => void,
): void {
  switch (envelope.kind) {
    case 'response':
      return;
    case 'request':
    case 'notification':
      visit(toOperation(envelope));
      if (envelope.method === 'subscriptions/listen') visitWatched(body, visit);
      return;
    case 'batch':
      // batch-hiding: each message is decided on, wherever it stands.
      visitBatch(body, (message) => {
        if (message.kind === 'response') return;
        visit(toOperation(message));
        // Only revisions without batches have it; what it would watch is not looked for.
        if (message.method === 'subscriptions/listen') visit(unreadable);
      });
  }
}

/** How many requests of a batch call each tool; by `undefined`, how many of its messages call none. */
export function countCalls(body: Buffer): ReadonlyMap<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  visitBatch(body, (message) => {
    const tool = message.kind === 'request' && message.method === 'tools/call' ? message.name : undefined;
    counts.set(tool, (counts.get(tool) ?? 0) + 1);
  });
  return counts;
}

/** What a message that is no batch asks for, but for the resources of `subscriptions/listen`. */
export function toOperation(message: RequestEnvelope | NotificationEnvelope): Operation {
  const { method, name, ref } = message;
  switch (method) {
    case 'tools/call':
      return { method, kind: 'tool', name };
    case 'prompts/get':
      return { method, kind: 'prompt', name };
    case 'resources/read':
    case 'resources/subscribe':
    case 'resources/unsubscribe':
      return { method, kind: 'resource', name };
    case 'completion/complete':
      return { method, kind: ref?.kind ?? 'prompt', name: ref?.name };
    default:
      // The id of a task says nothing of what it does: such methods are decided on by themselves.
      return { method, kind: 'none', name: undefined };
  }
}

const unreadable: Operation = { method: 'subscriptions/listen', kind: 'resource', name: undefined };

/** The envelope was accepted, so that no key occurs twice and every parser reads the same. */
function visitWatched(body: Buffer, visit: (operation: Operation) => void): void {
  const message = JSON.parse(body.toString()) as { readonly params?: unknown }; // An object, as the envelope says.
  const filter = findMember(message.params, 'notifications');
  const watched = filter === twin ? twin : findMember(filter, 'resourceSubscriptions');
  if (watched === undefined) return;
  if (!Array.isArray(watched)) return visit(unreadable);
  for (const uri of watched as readonly unknown[]) {
    visit(typeof uri === 'string' ? { ...unreadable, name: uri } : unreadable);
  }
}

const twin: unique symbol = Symbol('a key in another letter case');

/** case-twin: parsers that ignore letter case would find another member than the one that is decided on. */
function findMember(holder: unknown, name: string): unknown {
  if (typeof holder !== 'object' || holder === null) return undefined;
  const folded = foldCase(name);
  const keys = Object.keys(holder).filter((key) => foldCase(key) === folded);
  if (keys.length === 0) return undefined;
  return keys.length === 1 && keys[0] === name ? (holder as Readonly<Record<string, unknown>>)[name] : twin;
}

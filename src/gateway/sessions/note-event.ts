import type { NoteEvent } from '../../sessions/session-note.ts';

/** What a request that its server took changes in a session, as far as a new session can be told it again. */
export function toNoteEvent(
  { method, name }: { readonly method: string; readonly name: string | undefined },
  body: Buffer,
): NoteEvent | undefined {
  switch (method) {
    case 'resources/subscribe':
      return name === undefined ? undefined : { kind: 'subscribed', uri: name };
    case 'resources/unsubscribe':
      return name === undefined ? undefined : { kind: 'unsubscribed', uri: name };
    case 'logging/setLevel': {
      // It was read as JSON before, and its server took it.
      const { params } = JSON.parse(body.toString()) as { readonly params?: { readonly level?: unknown } };
      return typeof params?.level === 'string' ? { kind: 'level', level: params.level } : undefined;
    }
    default:
      return undefined;
  }
}

import { parseJsonObject } from '../lib/json.ts';

/** What the answer to an `initialize` of ours says: an error, or the revision that is spoken from now on. */
export type InitializeAnswer =
  | { readonly kind: 'agreed'; readonly protocolVersion: string }
  | { readonly kind: 'refused' };

/** header-injection: it becomes a field of the requests that follow, and some servers agree to whatever the client has written. */
const versionPattern = /^[\w.-]{1,64}$/;

/**
 * Reads the answer with this id from a body: one JSON message, or an event stream, where requests and notifications of the server may stand
 * beside it and are passed over. `undefined` as long as the answer is not there.
 */
export function readInitializeAnswer(
  body: string,
  options: { readonly id: string; readonly isEventStream: boolean },
): InitializeAnswer | undefined {
  const { id, isEventStream } = options;
  const texts = isEventStream ? listEventData(body) : [body];
  for (const text of texts) {
    const message = parseJsonObject(text);
    if (message === undefined || message['id'] !== id || 'method' in message) continue;
    const { result } = message;
    if (typeof result !== 'object' || result === null || !('protocolVersion' in result))
      return { kind: 'refused' };
    const { protocolVersion } = result;
    return typeof protocolVersion === 'string' && versionPattern.test(protocolVersion)
      ? { kind: 'agreed', protocolVersion }
      : { kind: 'refused' };
  }
  return undefined;
}

/** The data of the events that are complete (HTML standard, Server-sent events). */
function listEventData(body: string): readonly string[] {
  const events = body.replace(/^\uFEFF/, '').split(/\r\n\r\n|\n\n|\r\r/);
  return events.slice(0, -1).map((event) =>
    event
      .split(/\r\n|\n|\r/)
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice('data:'.length).replace(/^ /, ''))
      .join('\n'),
  );
}

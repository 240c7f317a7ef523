/** The call that is measured: a small `tools/call`, as clients send it, and what its answer is. */
export const callText = 'Just echo: hello hello hello hello hello hello';

const MIB = 1024 * 1024;

/** What the upstream of the small calls answers, whatever it is asked. */
export const callAnswer: string = `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"${callText}"}],"structuredContent":{"result":"Just echo: hello"},"isError":false}}`;

export const callFields: Readonly<Record<string, string>> = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
  'mcp-session-id': '3b1c9d7c5f1c4c4bb0d1',
  'mcp-protocol-version': '2025-06-18',
};

/** Calls by name: the small one, one whose body is 1 MiB, and one whose answer is. */
export type CallKind = 'echo' | 'upload' | 'download';

/** The body of a call, with the given text in place of its id. */
export function buildCall(kind: CallKind, id = '1'): string {
  const head = `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${kind === 'download' ? 'download' : 'echo'}","arguments":{"message":"`;
  const tail = '"}}}';
  const message =
    kind === 'upload' ? 'u'.repeat(MIB - head.length - tail.length) : 'hello hello hello hello hello hello';
  return `${head}${message}${tail}`;
}

/** The text that makes an answer 1 MiB, but for the few bytes around it. */
export function buildDownloadText(): string {
  return 'd'.repeat(MIB - 100);
}

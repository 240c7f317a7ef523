import type { ReceivedRequest } from '../../support/scripted-upstream.ts';
import type { AgreementCase } from './agreement-case.ts';

/** What the access log says a request was. */
export interface Decision {
  readonly status: number;
  readonly rpc?: string | undefined;
  readonly tool?: string | undefined;
}

/** What a server reads in a body. */
export interface Call {
  readonly rpc: string | undefined;
  /** Name of the tool, prompt or resource. */
  readonly name: string | undefined;
  readonly tool: string | undefined;
}

/** Reads a body as `JSON.parse` does; `undefined` when it cannot. */
export function readCall(body: Buffer): Call | undefined {
  let message: unknown;
  try {
    message = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    return undefined;
  }
  if (typeof message !== 'object' || message === null) return undefined;
  const rpc = toText(message, 'method');
  const params: unknown = 'params' in message ? message.params : undefined;
  const name = toText(params, rpc === 'resources/read' ? 'uri' : 'name');
  return { rpc, name, tool: rpc === 'tools/call' || rpc === 'prompts/get' ? name : undefined };
}

function toText(holder: unknown, key: string): string | undefined {
  if (typeof holder !== 'object' || holder === null) return undefined;
  const value: unknown = Object.entries(holder).find(([name]) => name === key)?.[1];
  return typeof value === 'string' ? value : undefined;
}

/** How a forwarded request departs from what was sent, from what was decided, or from itself; empty when it does not. */
export function findDifferences(
  { head, body }: ReceivedRequest,
  entry: AgreementCase,
  decision: Decision | undefined,
): readonly string[] {
  const bytes = Buffer.from(body, 'latin1');
  const call = readCall(bytes);
  if (call === undefined) return ['JSON.parse does not read it'];
  const differences: string[] = [];
  if (!bytes.equals(entry.body)) differences.push('other bytes than were sent');
  if (decision?.rpc !== call.rpc) differences.push(`decided on ${decision?.rpc}, forwarded ${call.rpc}`);
  if (decision?.tool !== call.tool) differences.push(`decided on ${decision?.tool}, forwarded ${call.tool}`);
  for (const [field, value] of [
    ['mcp-method', call.rpc],
    ['mcp-name', call.name],
  ] as const) {
    const copies = [...head.matchAll(new RegExp(`\\r\\n${field}: ?(.*)`, 'gi'))].map(
      ([, text]) => text ?? '',
    );
    if (copies.length > 1) differences.push(`${field} more than once`);
    if (copies.some((text) => decode(text) !== value))
      differences.push(`${field} ${copies.join(' and ')}, body ${value}`);
  }
  return differences;
}

function decode(text: string): string {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(text)?.[1];
  return encoded === undefined ? text : Buffer.from(encoded, 'base64').toString();
}

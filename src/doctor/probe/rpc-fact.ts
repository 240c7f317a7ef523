import { isJsonObject, parseJson } from '../../lib/json.ts';
import type { RpcFact } from '../facts.ts';

const mostTools = 100;

/** The JSON-RPC answer in a body; of an event stream, the first event that holds one. `undefined` when there is none. */
export function toRpcFact(body: string, contentType: string): RpcFact | undefined {
  if (!contentType.startsWith('text/event-stream')) return toFact(parseJson(body));
  for (const event of body.split(/\r?\n\r?\n/)) {
    const data = event
      .split(/\r?\n/)
      .filter((row) => row.startsWith('data:'))
      .map((row) => row.slice(5).trimStart())
      .join('\n');
    const fact = toFact(parseJson(data));
    if (fact !== undefined) return fact;
  }
  return undefined;
}

function toFact(message: unknown): RpcFact | undefined {
  if (!isJsonObject(message) || message['jsonrpc'] !== '2.0') return undefined;
  const id = toId(message['id']);
  const { error, result } = message;
  if (isJsonObject(error) && typeof error['code'] === 'number') {
    const text = typeof error['message'] === 'string' ? error['message'].slice(0, 300) : '';
    return { kind: 'error', id, code: error['code'], message: text };
  }
  return isJsonObject(result) ? { kind: 'result', id, ...toResultFacts(result) } : undefined;
}

function toResultFacts(result: Readonly<Record<string, unknown>>): Partial<RpcFact & { kind: 'result' }> {
  const { protocolVersion, serverInfo, capabilities, supportedVersions, tools, _meta: meta } = result;
  const info = isJsonObject(serverInfo)
    ? serverInfo
    : isJsonObject(meta)
      ? meta['io.modelcontextprotocol/serverInfo']
      : undefined;
  return {
    ...(typeof protocolVersion === 'string' ? { protocolVersion } : {}),
    ...(isJsonObject(info) ? { server: [info['name'], info['version']].filter(isText).join(' ') } : {}),
    ...(isJsonObject(capabilities) ? { capabilities: Object.keys(capabilities).slice(0, mostTools) } : {}),
    ...(Array.isArray(supportedVersions) ? { supportedVersions: supportedVersions.filter(isText) } : {}),
    ...(Array.isArray(tools) ? { tools: tools.slice(0, mostTools).map(toName) } : {}),
  };
}

function toName(tool: unknown): string {
  return isJsonObject(tool) && typeof tool['name'] === 'string' ? tool['name'] : '?';
}

function toId(id: unknown): string | number | null {
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** What has to become of a request. */
export type Fate =
  /** Forwarded as it is. */
  | 'passes'
  /** 400 and -32020: header and body speak of two different things. */
  | 'mismatch'
  /** 400 and -32700 or -32600: parsers would not agree on what the body says. */
  | 'refused';

export interface AgreementCase {
  readonly name: string;
  readonly fate: Fate;
  /** Field lines, each with its line end; latin1. */
  readonly fields: string;
  readonly body: Buffer;
}

export const MODERN = '2026-07-28';
const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"${MODERN}"}`;

/** A request of the modern era as text; `params` are members in JSON, without braces. */
export function modernBody(method: string, params = ''): string {
  const members = params === '' ? meta : `${params},${meta}`;
  return `{"jsonrpc":"2.0","id":7,"method":${JSON.stringify(method)},"params":{${members}}}`;
}

/** Field lines of a modern request; whatever is absent is not sent. */
export function modernFields(options: {
  readonly version?: string | undefined;
  readonly method?: string | undefined;
  readonly name?: string | undefined;
}): string {
  const { version = MODERN, method, name } = options;
  const line = (field: string, value: string | undefined): string =>
    value === undefined ? '' : `${field}: ${value}\r\n`;
  return line('MCP-Protocol-Version', version) + line('Mcp-Method', method) + line('Mcp-Name', name);
}

export function toCase(
  name: string,
  fate: Fate,
  parts: { readonly fields?: string; readonly body: string | Buffer },
): AgreementCase {
  const { fields = '', body } = parts;
  return { name, fate, fields, body: typeof body === 'string' ? Buffer.from(body) : body };
}

/** A `tools/call` of exactly `size` bytes; as short as it can be without. */
export function buildCall(options: { readonly id?: number | string; readonly size?: number } = {}): string {
  const { id = 1, size = 0 } = options;
  const build = (text: string): string =>
    JSON.stringify({
      jsonrpc: '2.0',
      id,
      method: 'tools/call',
      params: { name: 'echo', arguments: { message: text } },
    });
  return build('m'.repeat(Math.max(0, size - build('').length)));
}

/** A request of revision 2026-07-28 with the header fields it needs. */
export function buildModern(
  method: string,
  options: { readonly id?: number | string; readonly name?: string } = {},
): { readonly body: string; readonly fields: string } {
  const { id = 1, name } = options;
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const params = name === undefined ? { _meta } : { name, arguments: {}, _meta };
  const nameField = name === undefined ? '' : `Mcp-Name: ${name}\r\n`;
  return {
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
    fields: `MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: ${method}\r\n${nameField}`,
  };
}

/** A GET of the stream for server messages, as clients of 2025 open it. */
export function buildGet(options: { readonly path?: string; readonly fields?: string } = {}): string {
  const { path = '/mcp', fields = '' } = options;
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n${fields}\r\n`;
}

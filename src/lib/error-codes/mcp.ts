import type { ErrorEntry } from '../error-entry.ts';

export type McpErrorCode = 'E_MCP_PARSE' | 'E_MCP_INVALID' | 'E_MCP_HEADER_MISMATCH';

/** `E_MCP_`: messages that are not MCP. */
export const mcpErrorCodes: { readonly [code in McpErrorCode]: ErrorEntry } = {
  E_MCP_PARSE: {
    title: 'the body is not valid JSON',
    explanation: 'A message to an MCP server is one JSON text in UTF-8 (RFC 8259), nested at most 64 levels.',
    fix: 'send valid JSON',
    status: 400,
    rpcCode: -32700,
  },
  E_MCP_INVALID: {
    title: 'the body is not an unambiguous JSON-RPC message',
    explanation:
      'The message repeats a key, spells an envelope key in another case, or lacks what JSON-RPC 2.0 demands. Two parsers could read it differently, so it is not forwarded.',
    fix: 'send each key once, in the spelling of the specification',
    status: 400,
    rpcCode: -32600,
  },
  E_MCP_HEADER_MISMATCH: {
    title: 'headers and body disagree',
    explanation:
      'In revision 2026-07-28 MCP-Protocol-Version, Mcp-Method and Mcp-Name repeat what the body says, and whoever reads the body must refuse a difference (Streamable HTTP, Request Metadata).',
    fix: 'send headers that equal the body, or update the client',
    status: 400,
    rpcCode: -32020,
  },
};

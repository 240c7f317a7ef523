import { revisions } from '../../mcp/revision.ts';

/** The revisions that questions speak: the newest of each era. */
export const legacyRevision = '2025-11-25';
const modernRevision: string = revisions[revisions.length - 1] ?? '2026-07-28';

const clientName = 'breakwater-doctor';

/** A body with the fields that belong to it. */
export interface Message {
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

export const acceptBoth = 'application/json, text/event-stream';

const postFields: Readonly<Record<string, string>> = {
  Accept: acceptBoth,
  'Content-Type': 'application/json',
};

/** `initialize` of 2025-11-25: the first message of every client of the legacy era. */
export function buildInitialize(version: string): Message {
  return {
    fields: postFields,
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: {
        protocolVersion: legacyRevision,
        capabilities: {},
        clientInfo: { name: clientName, version },
      },
    }),
  };
}

/** A request, or a notification where there is no id, of a session. */
export function buildLegacy(
  method: string,
  options: { readonly id?: number; readonly session?: string | undefined; readonly params?: object } = {},
): Message {
  const { id, session, params } = options;
  return {
    fields: {
      ...postFields,
      'MCP-Protocol-Version': legacyRevision,
      ...(session === undefined ? {} : { 'Mcp-Session-Id': session }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      ...(id === undefined ? {} : { id }),
      method,
      ...(params === undefined ? {} : { params }),
    }),
  };
}

/** A request of 2026-07-28, whose fields mirror its body (Request Metadata). `fields` differ from it on purpose. */
export function buildModern(
  method: string,
  options: {
    readonly params?: object;
    readonly fields?: Readonly<Record<string, string | undefined>>;
    readonly version?: string;
  },
): Message {
  const { params, fields = {}, version = modernRevision } = options;
  const mirrored: Record<string, string | undefined> = {
    ...postFields,
    'MCP-Protocol-Version': version,
    'Mcp-Method': method,
    ...fields,
  };
  return {
    fields: Object.fromEntries(
      Object.entries(mirrored).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': version,
          'io.modelcontextprotocol/clientCapabilities': {},
          'io.modelcontextprotocol/clientInfo': { name: clientName, version: '1' },
        },
      },
    }),
  };
}

/** A JWT that no one has signed: well formed, so that only its signature and issuer can be what is wrong with it. */
export function buildMadeUpToken(resource: string, padding = 0): string {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    iss: 'https://issuer.invalid',
    aud: resource,
    sub: clientName,
    exp: 4_102_444_800,
    ...(padding === 0 ? {} : { padding: 'x'.repeat(padding) }),
  };
  return `${encode({ alg: 'RS256', typ: 'JWT', kid: 'made-up' })}.${encode(claims)}.${Buffer.alloc(256, 7).toString('base64url')}`;
}

import type { JWTPayload } from 'jose';

/** What a provider publishes and what its access tokens look like, by the provider's own documentation. */
export interface ProviderShape {
  /** Page below `docs/recipes/`, and which of its configurations. */
  readonly page: string;
  readonly block: number;
  readonly issuer: string;
  /** Where its metadata answers, of the places that are looked at. */
  readonly metadataUrl: string;
  readonly header: { readonly alg: 'RS256'; readonly typ: string };
  readonly claims: JWTPayload;
  readonly expected: {
    readonly subject: string;
    readonly client: string | undefined;
    readonly scopes: readonly string[];
    readonly groups: readonly string[];
  };
  /** Tools that the rules of the page let this token call, and that they do not; empty where it has none. */
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
  /** Claims of other people whom the rules keep out of all of `allowed`. */
  readonly outsiders: readonly JWTPayload[];
  /** Claims of tokens that somebody who set the provider up wrong gets, and why they are refused. */
  readonly mistakes: readonly (readonly [what: string, claims: JWTPayload, refusal: string])[];
  readonly advertised: readonly string[];
}

const resource = 'https://mcp.example.com/mcp';
const tenant = '11111111-2222-3333-4444-555555555555';
const application = '66666666-7777-8888-9999-000000000000';

export const providerShapes: readonly ProviderShape[] = [
  {
    page: 'keycloak.md',
    block: 0,
    issuer: 'https://id.example.com/realms/staff',
    metadataUrl: 'https://id.example.com/realms/staff/.well-known/openid-configuration',
    header: { alg: 'RS256', typ: 'JWT' },
    claims: {
      iss: 'https://id.example.com/realms/staff',
      aud: [resource, 'account'],
      sub: 'f3c8a9d2-0000-4000-8000-000000000001',
      typ: 'Bearer',
      azp: 'a-client',
      scope: 'openid mcp:tools profile',
      realm_access: { roles: ['offline_access', 'staff'] },
      groups: ['engineering'],
      preferred_username: 'alice',
    },
    expected: {
      subject: 'f3c8a9d2-0000-4000-8000-000000000001',
      client: 'a-client',
      scopes: ['openid', 'mcp:tools', 'profile'],
      groups: ['engineering'],
    },
    allowed: ['search', 'delete_all'],
    denied: [],
    outsiders: [{ groups: ['sales'] }, { groups: undefined }],
    mistakes: [['no audience mapper', { aud: 'account' }, 'audience']],
    advertised: ['mcp:tools'],
  },
  {
    page: 'auth0.md',
    block: 0,
    issuer: 'https://example.eu.auth0.com/',
    metadataUrl: 'https://example.eu.auth0.com/.well-known/openid-configuration',
    header: { alg: 'RS256', typ: 'JWT' },
    claims: {
      iss: 'https://example.eu.auth0.com/',
      aud: [resource, 'https://example.eu.auth0.com/userinfo'],
      sub: 'auth0|507f1f77bcf86cd799439011',
      azp: 'my_client_id',
      scope: 'openid profile',
      permissions: ['tools:read'],
      'https://example.com/department': 'engineering',
    },
    expected: {
      subject: 'auth0|507f1f77bcf86cd799439011',
      client: 'my_client_id',
      scopes: ['openid', 'profile'],
      groups: ['tools:read'],
    },
    allowed: ['search', 'read_file'],
    denied: ['delete_all'],
    outsiders: [{ permissions: [] }, { permissions: undefined }],
    mistakes: [
      ['another API', { aud: 'https://api.example.com' }, 'audience'],
      ['no slash at the end', { iss: 'https://example.eu.auth0.com' }, 'issuer'],
    ],
    advertised: ['tools:read', 'tools:write'],
  },
  {
    page: 'entra.md',
    block: 1,
    issuer: `https://login.microsoftonline.com/${tenant}/v2.0`,
    metadataUrl: `https://login.microsoftonline.com/${tenant}/v2.0/.well-known/openid-configuration`,
    header: { alg: 'RS256', typ: 'JWT' },
    claims: {
      iss: `https://login.microsoftonline.com/${tenant}/v2.0`,
      aud: application,
      sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
      oid: '00000000-0000-0000-66f3-3332eca7ea81',
      tid: tenant,
      azp: 'bbbbbbbb-1111-2222-3333-444444444444',
      azpacr: '0',
      scp: 'mcp.use',
      ver: '2.0',
    },
    expected: {
      subject: '00000000-0000-0000-66f3-3332eca7ea81',
      client: 'bbbbbbbb-1111-2222-3333-444444444444',
      scopes: ['mcp.use'],
      groups: [],
    },
    allowed: [],
    denied: [],
    outsiders: [],
    mistakes: [
      [
        'a token of version 1',
        { iss: `https://sts.windows.net/${tenant}/`, aud: `api://${application}` },
        'issuer',
      ],
      ['a token for Microsoft Graph', { aud: '00000003-0000-0000-c000-000000000000' }, 'audience'],
    ],
    advertised: [`api://${application}/mcp.use`],
  },
  {
    page: 'okta.md',
    block: 1,
    issuer: 'https://example.okta.com/oauth2/aus1b2c3d4e5f6',
    metadataUrl: 'https://example.okta.com/oauth2/aus1b2c3d4e5f6/.well-known/openid-configuration',
    header: { alg: 'RS256', typ: 'application/okta-internal-at+jwt' },
    claims: {
      ver: 1,
      iss: 'https://example.okta.com/oauth2/aus1b2c3d4e5f6',
      aud: resource,
      sub: 'alice@example.com',
      cid: '0oa9z8y7x6w5',
      uid: '00uexample',
      scp: ['openid', 'mcp.use'],
      groups: ['Everyone', 'engineering'],
    },
    expected: {
      subject: 'alice@example.com',
      client: '0oa9z8y7x6w5',
      scopes: ['openid', 'mcp.use'],
      groups: ['Everyone', 'engineering'],
    },
    allowed: ['search', 'delete_all'],
    denied: [],
    outsiders: [{ groups: ['Everyone'] }, { groups: undefined }],
    mistakes: [
      ['the audience that Okta proposes', { aud: 'api://default' }, 'audience'],
      [
        "a token of the organization's own server",
        { iss: 'https://example.okta.com', aud: 'https://example.okta.com' },
        'issuer',
      ],
    ],
    advertised: ['mcp.use'],
  },
  {
    page: 'workos.md',
    block: 0,
    issuer: 'https://example.authkit.app',
    metadataUrl: 'https://example.authkit.app/.well-known/oauth-authorization-server',
    header: { alg: 'RS256', typ: 'JWT' },
    claims: {
      iss: 'https://example.authkit.app',
      aud: resource,
      sub: 'user_01EXAMPLE',
      sid: 'session_01EXAMPLE',
      org_id: 'org_01EXAMPLE',
      role: 'member',
      permissions: ['tools:read'],
    },
    expected: { subject: 'user_01EXAMPLE', client: undefined, scopes: [], groups: ['tools:read'] },
    allowed: ['search', 'read_file'],
    denied: ['delete_all'],
    outsiders: [{ org_id: 'org_01OTHER', permissions: ['tools:write'] }, { org_id: undefined }],
    mistakes: [['no indicator for the server', { aud: 'client_01EXAMPLE' }, 'audience']],
    advertised: [],
  },
];

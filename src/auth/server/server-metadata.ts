import type { ProtectedResource } from './server-options.ts';

/** The paths of the authorization server below the issuer; everything else in `/oauth/` belongs to its pages. */
export const serverPaths = {
  metadata: '/.well-known/oauth-authorization-server',
  openidMetadata: '/.well-known/openid-configuration',
  prefix: '/oauth/',
  authorize: '/oauth/authorize',
  token: '/oauth/token',
  register: '/oauth/register',
  revoke: '/oauth/revoke',
  jwks: '/oauth/jwks',
  interaction: '/oauth/interaction',
  callback: '/oauth/callback',
  signOut: '/oauth/sign-out',
} as const;

/** How clients prove who they are: public ones not at all, those with a metadata document by their keys. */
export const clientAuthMethods: readonly string[] = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
];

/** Asymmetric alone. */
export const clientSigningAlgorithms: readonly string[] = ['ES256', 'RS256', 'PS256', 'EdDSA'];

export type ServerMetadata = Readonly<Record<string, string | boolean | readonly string[]>>;

/** The scope of a resource that has none of its own: OAuth grants scopes, and a grant without any is none. */
export const plainScope = 'access';

export function scopesOf(resource: Pick<ProtectedResource, 'scopes'>): readonly string[] {
  return resource.scopes.length === 0 ? [plainScope] : resource.scopes;
}

/** Authorization server metadata (RFC 8414) that is also what OpenID discovery asks for. */
export function buildServerMetadata(options: {
  readonly issuer: string;
  readonly resources: readonly ProtectedResource[];
  readonly registration: boolean;
}): ServerMetadata {
  const { issuer, resources, registration } = options;
  return {
    issuer,
    authorization_endpoint: issuer + serverPaths.authorize,
    token_endpoint: issuer + serverPaths.token,
    ...(registration ? { registration_endpoint: issuer + serverPaths.register } : undefined),
    revocation_endpoint: issuer + serverPaths.revoke,
    jwks_uri: issuer + serverPaths.jwks,
    scopes_supported: [...new Set(resources.flatMap(scopesOf)), 'offline_access', 'openid'],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: clientAuthMethods,
    token_endpoint_auth_signing_alg_values_supported: clientSigningAlgorithms,
    revocation_endpoint_auth_methods_supported: clientAuthMethods,
    revocation_endpoint_auth_signing_alg_values_supported: clientSigningAlgorithms,
    code_challenge_methods_supported: ['S256'],
    client_id_metadata_document_supported: true,
    authorization_response_iss_parameter_supported: true,
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    request_parameter_supported: false,
    request_uri_parameter_supported: false,
    claims_parameter_supported: false,
  };
}

import { createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';

/** Where Breakwater is reached as far as the token is concerned. */
export const issuedFor = 'https://mcp.example.com';
export const issuer = 'https://id.example.com';

/** A private key of Ed25519 before its 32 bytes (RFC 8410 section 7). */
const keyPrefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const privateKey: KeyObject = createPrivateKey({
  key: Buffer.concat([keyPrefix, Buffer.alloc(32, 'the benchmark')]),
  format: 'der',
  type: 'pkcs8',
});

/** The keys of the issuer (RFC 7517). */
export const issuerKeys: string = JSON.stringify({
  keys: [
    { ...createPublicKey(privateKey).export({ format: 'jwk' }), kid: 'bench', alg: 'EdDSA', use: 'sig' },
  ],
});

/** An access token. Signatures of Ed25519 are the same each time, so that all processes of a run make the same one. */
export const issuedToken: string = createToken();

function createToken(): string {
  const parts = [
    { alg: 'EdDSA', typ: 'at+jwt', kid: 'bench' },
    {
      iss: issuer,
      aud: `${issuedFor}/mcp`,
      sub: 'bench',
      client_id: 'bench',
      scope: 'tools',
      iat: 1_700_000_000,
      exp: 4_102_444_800,
    },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const signed = parts.join('.');
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
}

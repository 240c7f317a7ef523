import { buildCluster, type Cluster } from '../../src/render/cluster.ts';
import { renderDiagnostics } from '../../src/lib/diagnostic-text.ts';
import { loadText } from '../config/load-text.ts';

/** What is behind the settings that end with `_env` and `_file`; none of it may be seen in what is rendered. */
export const planted: Readonly<Record<string, string>> = {
  INTROSPECTION: 'planted-of-introspection-6fd1',
  LOGIN: 'planted-of-login-93ab',
  PASSPHRASE: 'planted-of-passphrase-27c4',
};
export const plantedFiles: Readonly<Record<string, string>> = {
  '/srv/gateway/secrets/api-key.txt': 'planted-of-file-1e55',
  '/srv/gateway/eab.key': 'cGxhbnRlZC1vZi1lYWItNzcwYQ',
};

/** Nothing in its state has to outlive a pod: any number of them. */
export const scaledText = `
# planted-of-comment-0b8e
listen: 0.0.0.0:443
domains: [mcp.example.com, '*.tools.example.com', 192.0.2.7]
tls:
  cert: /etc/ssl/mcp/fullchain.pem
  key: /etc/ssl/mcp/privkey.pem
  passphrase_env: PASSPHRASE
  certificates:
    - { cert: other's.pem, key: other.key }
routes:
  - path: /mcp
    upstream: http://tools:8000/mcp
    auth:
      oauth:
        issuers:
          - issuer: https://id.example.com
            ca: ./ca.pem
            introspection: { url: https://id.example.com/ask, client_id: gateway, client_secret_env: INTROSPECTION }
    credentials: { header: { name: x-api-key, value_file: secrets/api-key.txt } }
  - path: /billing
    upstream: https://billing.finance.svc.cluster.local:8443/mcp
    auth: { keys: [{ name: ci, sha256: 0c7e6a405862e402eb76a70f8a26fc732d07c32931e9fae9ab1582911d2e8a3b }] }
  - path: /far
    upstream: https://mcp.example.net/mcp
    auth: { keys: [{ name: ci, sha256: 0c7e6a405862e402eb76a70f8a26fc732d07c32931e9fae9ab1582911d2e8a3b }] }
limits:
  connections: 10000
  rates: [{ per: principal, requests: 10, within: 1s }]
log: { access: /var/log/breakwater/access.log }
state_dir: /var/lib/breakwater
`;

/** Certificates, accounts and keys are in its state: one pod with a volume. */
export const keptText = `
domains: [mcp.example.com]
tls:
  acme:
    accept_terms: true
    directory: https://acme.example.com/directory
    eab: { kid: kid-1, hmac_key_file: eab.key }
routes:
  - upstream: http://10.0.0.7:8000/mcp
    auth:
      keys: stored
      oauth:
        server:
          login:
            - oidc: { name: Example, issuer: 'https://login.example.com', client_id: gateway, client_secret_env: LOGIN }
    credentials: { jwt: {} }
timeouts: { drain: 2m }
`;

/** Made for one machine: nearly nothing of it is in a pod. */
export const localText = `
listen: 127.0.0.1:8443
tls: { clients: { ca: clients.pem } }
routes:
  - { path: /mcp, upstream: 8000 }
  - { path: /more, upstream: 'unix:/run/more.sock:/serve' }
`;

/** Behind a load balancer that speaks the PROXY protocol, with a public port that is not its own. */
export const proxiedText = `
listen: 0.0.0.0:8443
plain_http: 127.0.0.1:8080
public_url: https://mcp.example.com
domains: [mcp.example.com]
tls: { cert: c.pem, key: k.pem }
trusted_proxies: [10.0.0.0/8]
proxy_protocol: true
routes: [{ upstream: 'http://tools.example:8000/mcp', auth: { oauth: { issuer: 'https://id.example.com:9443' } } }]
`;

export const clusterTexts: Readonly<Record<'scaled' | 'kept' | 'local' | 'proxied', string>> = {
  scaled: scaledText,
  kept: keptText,
  local: localText,
  proxied: proxiedText,
};

/** What is rendered for the text of a configuration. */
export async function clusterOf(text: string): Promise<Cluster> {
  const loaded = await loadText(text, { env: { HOME: '/home/op', ...planted }, files: plantedFiles });
  if (!loaded.ok) throw new Error(renderDiagnostics(loaded.error));
  const { config, settings } = loaded.value;
  return buildCluster(config, { version: '1.2.3', configPath: '/etc/breakwater/breakwater.yaml', settings });
}

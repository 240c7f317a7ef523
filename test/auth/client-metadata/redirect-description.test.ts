import { describe, expect, it } from 'vitest';
import {
  describeRedirect,
  type RedirectDescription,
} from '../../../src/auth/client-metadata/redirect-description.ts';
import { parseRedirectUri } from '../../../src/auth/client-metadata/redirects.ts';

function toDescription(text: string): RedirectDescription {
  const redirect = parseRedirectUri(text, ['app://cb']);
  if (!redirect.ok) throw new Error(redirect.error);
  return describeRedirect(redirect.value);
}

describe('what the consent page says of a redirect', () => {
  it.each([
    ['https://claude.ai/api/mcp/auth_callback', 'claude.ai', 'Claude'],
    ['https://claude.com/api/mcp/auth_callback', 'claude.com', 'Claude'],
    ['https://chatgpt.com/connector/oauth/abc-1', 'chatgpt.com', 'ChatGPT'],
    ['https://vscode.dev/redirect', 'vscode.dev', 'VS Code'],
    ['https://client.example.com:8443/cb', 'client.example.com:8443', undefined],
  ])('%s is a site', (text, host, product) => {
    expect(toDescription(text)).toEqual({ kind: 'web', host, product, warnings: [] });
  });

  it.each([
    'https://claude.ai.example.com/api/mcp/auth_callback',
    'https://claude.ai/api/mcp/auth_callback/x',
    'https://claude.ai:8443/api/mcp/auth_callback',
    'https://example.com/https://claude.ai/api/mcp/auth_callback',
    'https://chatgpt.com/connector/oauth/',
    'https://chatgpt.com/connector/oauth/a/b',
    'https://vscode.dev/redirect?x',
    'https://vscodeXdev.example.com/redirect'.toLowerCase(),
  ])('product-impersonation: %s is not known', (text) => {
    expect(toDescription(text).product).toBeUndefined();
  });

  it('localhost-impersonation: loopback and apps come with a warning and without a product', () => {
    for (const [text, kind, host] of [
      ['http://127.0.0.1:33418/', 'loopback', '127.0.0.1'],
      ['http://localhost:1/callback', 'loopback', 'localhost'],
      ['app://cb', 'app', 'app:'],
      ['cursor://anysphere.cursor-mcp/oauth/callback', 'app', 'cursor:'],
    ] as const) {
      expect(toDescription(text)).toMatchObject({
        kind,
        host,
        product: undefined,
        warnings: [expect.any(String)],
      });
    }
  });

  it('homograph: names with foreign letters stay in ASCII and come with a warning', () => {
    const { host, warnings } = toDescription('https://xn--clude-4ve.ai/api/mcp/auth_callback');
    expect(host).toBe('xn--clude-4ve.ai');
    expect(warnings).toHaveLength(1);
  });
});

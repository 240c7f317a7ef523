import type { RedirectUri } from './redirects.ts';

/** What a consent page says about the place to which the user is sent with a code. */
export interface RedirectDescription {
  readonly kind: RedirectUri['kind'];
  /** The host as it stands in the address bar, in ASCII; for an app its scheme, such as `cursor:`. */
  readonly host: string;
  /** The product whose callback this is, as far as the address alone proves it; never for loopback and apps. */
  readonly product: string | undefined;
  /** Sentences to show, in the order of their weight; empty for a site that needs none. */
  readonly warnings: readonly string[];
}

/** Callbacks of hosted clients: only the owner of the host can read what is sent there. */
const products: readonly { readonly name: string; readonly callback: RegExp }[] = [
  { name: 'Claude', callback: /^https:\/\/claude\.(?:ai|com)\/api\/mcp\/auth_callback$/ },
  { name: 'ChatGPT', callback: /^https:\/\/chatgpt\.com\/connector\/oauth\/[\w-]+$/ },
  { name: 'VS Code', callback: /^https:\/\/vscode\.dev\/redirect$/ },
];

/** Localhost impersonation and phishing are met by showing the host and saying what it means (MCP security best practices). */
export function describeRedirect(redirect: RedirectUri): RedirectDescription {
  const { kind, text, url } = redirect;
  switch (kind) {
    case 'web':
      return {
        kind,
        host: url.host,
        product: products.find(({ callback }) => callback.test(text))?.name,
        warnings: url.hostname.split('.').some((label) => label.startsWith('xn--'))
          ? ['The name of this site has letters that can look like others. Check it letter by letter.']
          : [],
      };
    case 'loopback':
      return {
        kind,
        host: url.hostname,
        product: undefined,
        warnings: [
          'Access goes to a program on the computer you are using. Any program there can claim this name: go on only if you have just started the login yourself.',
        ],
      };
    case 'app':
      return {
        kind,
        host: url.protocol,
        product: undefined,
        warnings: [
          'Access goes to the app that this device opens for such links. Go on only if you have just started the login there yourself.',
        ],
      };
  }
}

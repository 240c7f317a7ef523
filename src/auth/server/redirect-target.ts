import { describeRedirect } from '../client-metadata/redirect-description.ts';
import { parseRedirectUri } from '../client-metadata/redirects.ts';

/** Where an authorization response goes, as a person has to judge it. */
export interface RedirectTarget {
  readonly kind: 'web' | 'loopback' | 'app';
  /** What the page names: a host, or the scheme of an app; with the product whose callback it is. */
  readonly label: string;
  readonly warnings: readonly string[];
  /** The source for the `form-action` of a Content-Security-Policy, where forms lead there. */
  readonly source: string;
}

/** Describes a redirect URI that the provider has accepted; `allowed` are further redirects, as for `parseRedirectUri`. */
export function toRedirectTarget(uri: string, allowed: readonly string[]): RedirectTarget {
  const redirect = parseRedirectUri(uri, allowed);
  // The rules may have changed since the flow began; nobody is sent there any more.
  if (!redirect.ok) return { kind: 'app', label: 'an unknown place', warnings: [], source: "'self'" };
  const { kind, host, product, warnings } = describeRedirect(redirect.value);
  const label = product === undefined ? host : `${host} (${product})`;
  return {
    kind,
    label,
    warnings,
    source: kind === 'app' ? redirect.value.url.protocol : redirect.value.url.origin,
  };
}

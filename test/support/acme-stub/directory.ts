import { endpointPaths, toJsonResponse, type Endpoint, type StubResponse } from './exchange.ts';
import type { StubContext } from './settings.ts';

const terms = 'terms-of-service';

export function toEndpointUrl(origin: string, endpoint: Endpoint): string {
  return `${origin}/${endpointPaths[endpoint]}`;
}

export function toTermsUrl(origin: string): string {
  return `${origin}/${terms}`;
}

/** The directory (RFC 8555 section 7.1.1), with the addresses under other names than real authorities use. */
export function buildDirectory({ origin, settings }: StubContext): StubResponse {
  const { profiles, externalAccountRequired } = settings;
  const descriptions = Object.entries(profiles).map(([name, { description }]) => [name, description]);
  return toJsonResponse(200, {
    newNonce: toEndpointUrl(origin, 'newNonce'),
    newAccount: toEndpointUrl(origin, 'newAccount'),
    newOrder: toEndpointUrl(origin, 'newOrder'),
    ...(settings.renewalInfo ? { renewalInfo: toEndpointUrl(origin, 'renewalInfo') } : {}),
    // A member that no client knows, as Let's Encrypt has one.
    unknown: 'https://example.com/why-this-is-here',
    meta: {
      termsOfService: toTermsUrl(origin),
      website: origin,
      ...(descriptions.length === 0 ? {} : { profiles: Object.fromEntries(descriptions) }),
      ...(externalAccountRequired ? { externalAccountRequired } : {}),
    },
  });
}

/** One certificate authority and how to deal with it. */
export interface IssuerSettings {
  /** URL of the ACME directory. */
  readonly directory: string;
  /** For people; the host of the directory when absent. */
  readonly title?: string;
  /** Where the authority may write to. */
  readonly email: string | undefined;
  readonly termsAccepted: boolean;
  /** One of the profiles that the directory offers; the authority chooses when undefined. */
  readonly profile: string | undefined;
  /** Common name of the issuer at the top of the chain that is wanted where the authority offers several. */
  readonly preferredChain: string | undefined;
  /** Absolute path of a PEM file with the roots that vouch for the authority's servers, read whenever it is used. */
  readonly ca: string | undefined;
  /** External account binding (RFC 8555 section 7.3.4), as the authority gave it; the key in base64url. */
  readonly eab: { readonly kid: string; readonly hmacKey: string } | undefined;
}

/** Fit for a file name and stable: host and path of the directory, such as `acme-v02.api.letsencrypt.org-directory`. */
export function toIssuerId(directory: string): string {
  const { host, pathname, search } = new URL(directory);
  const text = `${host}${pathname}${search}`.toLowerCase().replaceAll(/[^a-z0-9._]+/g, '-');
  return text.replace(/^[.-]+|[.-]+$/g, '').slice(0, 120);
}

export function toIssuerTitle(settings: IssuerSettings): string {
  return settings.title ?? new URL(settings.directory).host;
}

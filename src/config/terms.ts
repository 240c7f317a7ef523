import type { Config } from './config.ts';
import { deepFreeze } from './freeze.ts';

/** A configuration whose user has accepted the terms of the authorities with these directories. */
export function withTermsAccepted(config: Config, directories: readonly string[]): Config {
  const { automatic } = config.tls;
  if (automatic.kind !== 'acme') return config;
  const accept = <Issuer extends { readonly directory: string; readonly termsAccepted: boolean }>(
    issuer: Issuer,
  ): Issuer => (directories.includes(issuer.directory) ? { ...issuer, termsAccepted: true } : issuer);
  const [first, ...others] = automatic.issuers;
  return deepFreeze<Config>({
    ...config,
    tls: {
      ...config.tls,
      automatic: { ...automatic, issuers: [accept(first), ...others.map(accept)] },
    },
  });
}

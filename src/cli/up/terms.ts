import type { Config } from '../../config/config.ts';
import type { IssuerConfig } from '../../config/tls-config.ts';
import { findAuthority } from '../../config/known-authorities.ts';
import { withTermsAccepted } from '../../config/terms.ts';
import { systemClock } from '../../lib/clock.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { readVersion } from '../../lib/version.ts';
import { confirm } from '../confirm.ts';
import type { CliContext } from '../context.ts';

/** What is known of an authority before it is asked for anything. */
export interface TermsSurroundings {
  /** Whether the terms were accepted at an earlier start. */
  readonly hasAccount: (stateDir: string, directory: string) => Promise<boolean>;
  /** URL of the terms, or undefined when there are none. Rejects when it cannot be found out. */
  readonly findTerms: (issuer: IssuerConfig) => Promise<string | undefined>;
}

/**
 * The configuration with the terms accepted that a person at the terminal accepts just now. Throws a GatewayError (E_ACME_TERMS)
 * when terms are to be accepted and nobody does: accepting them silently is nobody's right.
 */
export async function settleTerms(
  config: Config,
  context: CliContext,
  surroundings?: TermsSurroundings,
): Promise<Config> {
  const { automatic } = config.tls;
  if (automatic.kind !== 'acme') return config;
  const open = automatic.issuers.filter(({ termsAccepted }) => !termsAccepted);
  if (open.length === 0) return config;
  const { hasAccount, findTerms } = surroundings ?? (await loadSurroundings());
  const accepted: string[] = [];
  for (const issuer of open) {
    if (await hasAccount(config.stateDir, issuer.directory)) continue;
    // An authority that cannot be reached now is no reason not to start: the gateway tells it, and asks again.
    const terms = await findTerms(issuer).catch(() => undefined);
    if (terms === undefined) continue;
    await ask(issuer, terms, context);
    accepted.push(issuer.directory);
  }
  return accepted.length === 0 ? config : withTermsAccepted(config, accepted);
}

async function ask({ title }: IssuerConfig, terms: string, context: CliContext): Promise<void> {
  if ((await confirm(`${title}'s terms of service: ${terms}\nAccept?`, context)) === true) return;
  throw new GatewayError('E_ACME_TERMS', `the terms of ${title} are not accepted: ${terms}`);
}

async function loadSurroundings(): Promise<TermsSurroundings> {
  const { fetchTerms, hasAccount } = await import('../../tls/acme/terms.ts');
  return {
    hasAccount,
    findTerms: async (issuer) =>
      findAuthority(issuer.directory)?.terms ??
      fetchTerms(issuer, { version: readVersion(), clock: systemClock }),
  };
}

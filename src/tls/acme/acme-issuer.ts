import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { explainFileError } from '../../lib/file-errors.ts';
import { isLoopbackHost } from '../../lib/networks.ts';
import { SerialQueue } from '../../lib/serial-queue.ts';
import type { SharedTexts } from '../../state/shared-text.ts';
import {
  IssueError,
  type CertificateIssuer,
  type IssuedCertificate,
  type IssueRequest,
} from '../automation/issuer.ts';
import { isCertificateBlock, parsePem } from '../files/pem.ts';
import { trustedRoots } from '../files/trusted-roots.ts';
import { createKeyPair } from '../local-ca/local-ca.ts';
import { createLocalHome, createSharedHome } from './account-home.ts';
import { isForgotten, openAccount, registerAgain, type AccountOptions, type AcmeAccount } from './account.ts';
import { fetchDirectory } from './acme-directory.ts';
import { createAcmeHttp, type AcmeHttp } from './acme-http.ts';
import { proveNames } from './authorization.ts';
import { downloadCertificate } from './certificate-download.ts';
import { toCertificateId } from './certificate-id.ts';
import type { ChallengeSolver } from './challenge.ts';
import { acceptCertificate } from './delivered-certificate.ts';
import { toIssuerId, toIssuerTitle, type IssuerSettings } from './issuer-settings.ts';
import { chooseProfile, finishOrder, placeOrder } from './order.ts';
import { fetchRenewalInfo } from './renewal-info.ts';
import { createAcmeSession, type AcmeSession } from './signed-requests.ts';

export interface AcmeIssuerOptions {
  readonly settings: IssuerSettings;
  /** Absolute path of the state directory; the account is kept in `acme/<issuer id>/account.json`. */
  readonly stateDir: string;
  /** Where replicas share the account; what is in the state directory is a copy then. */
  readonly shared?: SharedTexts | undefined;
  readonly solvers: readonly ChallengeSolver[];
  readonly clock: Clock;
  /** Of this program, for the User-Agent field. */
  readonly version: string;
  /** Milliseconds that the authority has to verify a name, and to issue; 90,000 each when absent. */
  readonly limits?: { readonly challenge: number; readonly order: number };
  /** Takes the place of HTTPS in tests. */
  readonly http?: AcmeHttp;
}

const defaultLimits = { challenge: 90_000, order: 90_000 };

/**
 * A certificate authority that speaks ACME (RFC 8555). Beside what `CertificateIssuer` promises, both calls may reject with a
 * GatewayError (E_STATE_UNWRITABLE) when the account cannot be kept, and with what a solver rejects with.
 */
export function createAcmeIssuer(options: AcmeIssuerOptions): CertificateIssuer {
  const { settings, shared, stateDir, clock } = options;
  const id = toIssuerId(settings.directory);
  const title = toIssuerTitle(settings);
  const local = createLocalHome(join(stateDir, 'acme', id));
  const home = shared === undefined ? local : createSharedHome(local, shared(`acme/${id}/account.json`));
  /** Orders that begin together must not make an account each. */
  const openings = new SerialQueue();

  async function converse<T>(
    signal: AbortSignal,
    talk: (http: AcmeHttp, roots: string | undefined) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const roots = await readRoots(settings.ca);
    const http = options.http ?? openHttp(options, roots);
    try {
      return await talk(http, roots);
    } finally {
      if (options.http === undefined) http.close();
    }
  }

  return {
    id,
    title,
    issue: (request) =>
      converse(request.signal, async (http, roots) => {
        const { signal } = request;
        request.onStep('account');
        const acme = await fetchDirectory({ http, url: settings.directory, title, clock, signal });
        const session = createAcmeSession({ http, directory: acme, title, clock, signal });
        const opening: AccountOptions = { session, home, settings };
        const account = await openings.run(() => openAccount(opening));
        try {
          return await order(options, { session, account, request, roots });
        } catch (error) {
          if (!isForgotten(error)) throw error;
          const renewed = await openings.run(() => registerAgain(opening));
          return await order(options, { session, account: renewed, request, roots });
        }
      }),
    renewalInfo: (certificate, signal) =>
      converse(signal, async (http) => {
        const acme = await fetchDirectory({ http, url: settings.directory, title, clock, signal });
        const certificateId = toCertificateId(new X509Certificate(certificate.chain));
        const url = acme.renewalInfo;
        if (url === undefined || certificateId === undefined) return undefined;
        return fetchRenewalInfo({ http, url, certificateId, title, clock, signal });
      }),
  };
}

/** One order from its beginning to the certificate. */
async function order(
  options: AcmeIssuerOptions,
  parts: {
    readonly session: AcmeSession;
    readonly account: AcmeAccount;
    readonly request: IssueRequest;
    readonly roots: string | undefined;
  },
): Promise<IssuedCertificate> {
  const { settings, solvers, clock, limits = defaultLimits } = options;
  const { session, account, request, roots } = parts;
  const { names, onStep } = request;
  const { title } = session;

  const profile = chooseProfile({
    directory: session.directory,
    title,
    names,
    configured: settings.profile,
  });
  const { buildCertificateRequest } = await import('./certificate-request.ts');
  const keys = await createKeyPair();
  const certificateRequest = await buildCertificateRequest({ names, ...keys });

  onStep('order');
  const placed = await placeOrder(
    { session, account },
    { names, profile, replaces: toReplaced(session, request) },
  );
  const proof = { session, account, solvers, request, timeout: limits.challenge };
  await proveNames(proof, placed.order.authorizations);

  onStep('issue');
  const url = await finishOrder(
    { session, account },
    { url: placed.url, certificateRequest, timeout: limits.order },
  );

  onStep('download');
  const { preferredChain } = settings;
  const certificates = await downloadCertificate({ session, account, url, preferredChain });
  return acceptCertificate({
    title,
    certificates,
    key: keys.privateKey,
    names,
    now: clock.now(),
    roots: rootsOf(roots),
  });
}

/** Only an authority that gives renewal information knows the field (RFC 9773 section 5). */
function toReplaced(session: AcmeSession, { replaces }: IssueRequest): string | undefined {
  if (replaces === undefined || session.directory.renewalInfo === undefined) return undefined;
  return toCertificateId(new X509Certificate(replaces.chain));
}

function* rootsOf(own: string | undefined): Generator<X509Certificate> {
  for (const block of parsePem(own ?? '').filter(isCertificateBlock)) yield new X509Certificate(block.text);
  yield* trustedRoots();
}

function openHttp({ settings, version, clock }: AcmeIssuerOptions, roots: string | undefined): AcmeHttp {
  const { protocol, hostname } = new URL(settings.directory);
  const allowPlainLoopback = protocol === 'http:' && isLoopbackHost(hostname);
  return createAcmeHttp({ roots, version, clock, allowPlainLoopback });
}

async function readRoots(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const hint = 'correct `tls.acme.ca`';
  try {
    const text = await readFile(path, 'utf8');
    // Node's TLS would say later what is damaged, and not where.
    const roots = parsePem(text)
      .filter(isCertificateBlock)
      .map((block) => new X509Certificate(block.text));
    if (roots.length > 0) return text;
  } catch (cause) {
    const reason = cause instanceof Error && 'syscall' in cause ? explainFileError(cause) : 'it is damaged';
    throw new IssueError('E_ACME_UNREACHABLE', `cannot use the roots in \`${path}\`: ${reason}`, {
      cause,
      hint,
    });
  }
  throw new IssueError('E_ACME_UNREACHABLE', `there is no certificate in \`${path}\``, { hint });
}

import { fail, ok, type Result } from '../../../src/lib/result.ts';
import { createAccounts, type AccountRequest } from './accounts.ts';
import { createAuthorizations } from './authorizations.ts';
import { createCertificates } from './certificates.ts';
import { buildDirectory, toEndpointUrl } from './directory.ts';
import { disturb, toConnectionError } from './disturbances.ts';
import { parseTarget, type Endpoint, type StubRequest, type StubResponse, type Target } from './exchange.ts';
import { createFaults, type Faults } from './faults.ts';
import { createSigningAuthority } from './issuing.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createLimitKeeper } from './limits.ts';
import { createNonces } from './nonces.ts';
import { createOrders } from './orders.ts';
import { malformed, toProblemResponse, type Problem } from './problem.ts';
import { createRetryWatch } from './retry-watch.ts';
import { resolveSettings, type AcmeStubOptions, type StubContext } from './settings.ts';

/**
 * A certificate authority in memory: RFC 8555 with renewal information (RFC 9773), IP addresses (RFC 8738) and profiles,
 * as strict as a real one, with faults on demand, a ledger of all that happened, and the limits of Let's Encrypt.
 * It knows neither revocation nor the change of account keys.
 */
export interface AcmeStub {
  readonly directoryUrl: string;
  /** PEM of the roots, the one of the default chain first. */
  readonly roots: readonly [string, ...string[]];
  readonly faults: Faults;
  readonly ledger: Ledger;
  /**
   * Answers one request. Rejects with a system error where a connection would break, and waits for the signal where the
   * authority keeps silent.
   */
  handle(request: StubRequest, signal?: AbortSignal): Promise<StubResponse>;
  /** Forgets all accounts: `accountDoesNotExist` from now on. */
  wipeAccounts(): void;
  /** Wants a certificate renewed at once from now on, by its identifier in the ledger, as before a revocation. */
  recall(certId: string): void;
}

type Answer = Result<StubResponse, Problem>;
type Route = (request: StubRequest, ids: readonly string[]) => Answer | Promise<Answer>;

export async function createAcmeStub(options: AcmeStubOptions): Promise<AcmeStub> {
  const context = await createContext(options);
  const { clock, origin, faults, ledger, nonces } = context;
  const accounts = createAccounts(context);
  const certificates = createCertificates(context);
  const authorizations = createAuthorizations(context);
  const orders = createOrders(context, authorizations, certificates);
  const watch = createRetryWatch(clock, ledger);

  /** A route for requests that an account signs. */
  const bySigner =
    (serve: (signed: AccountRequest, id: string, rest: string) => Answer | Promise<Answer>): Route =>
    async (request, [id = '', rest = '']) => {
      const verified = await accounts.verify(request);
      return verified.ok ? serve(verified.value, id, rest) : verified;
    };

  const routes: { readonly [endpoint in Endpoint]: Route } = {
    directory: () => ok(buildDirectory(context)),
    newNonce: ({ method }) => ok({ status: method === 'HEAD' ? 200 : 204, headers: {}, body: '' }),
    newAccount: (request) => accounts.open(request),
    account: (request) => accounts.serve(request),
    newOrder: bySigner((signed) => orders.open(signed)),
    order: bySigner((signed, id) => orders.serve(signed, id)),
    finalize: bySigner((signed, id) => orders.finalize(signed, id)),
    authorization: bySigner((signed, id) => authorizations.serve(signed, id)),
    challenge: bySigner((signed, id, index) => authorizations.serveChallenge(signed, id, index)),
    certificate: bySigner((signed, id, root) => certificates.serve(signed, id, root)),
    renewalInfo: (_request, [certId = '']) => certificates.serveRenewalInfo(certId),
  };

  function route(request: StubRequest, { endpoint, ids }: Target): Answer | Promise<Answer> {
    if (!request.headers['user-agent']) return fail(malformed('there is no User-Agent'));
    return allowedMethods(endpoint).includes(request.method)
      ? routes[endpoint](request, ids)
      : fail(malformed(`${request.method} is not for ${endpoint}`, 405));
  }

  /** The fields that go with every answer of an ACME server. */
  function complete(request: StubRequest, endpoint: Endpoint, response: StubResponse): StubResponse {
    const index = `<${toEndpointUrl(origin, 'directory')}>;rel="index"`;
    const { link } = response.headers;
    const carriesNonce = request.method === 'POST' || endpoint === 'newNonce';
    return {
      ...response,
      headers: {
        ...response.headers,
        link: link === undefined ? index : `${link}, ${index}`,
        'cache-control': 'no-store',
        ...(carriesNonce ? { 'replay-nonce': nonces.issue() } : {}),
      },
    };
  }

  return {
    directoryUrl: toEndpointUrl(origin, 'directory'),
    roots: context.authority.roots,
    faults,
    ledger,
    async handle(request, signal) {
      const target = parseTarget(request.url, origin);
      if (target === undefined) {
        return toProblemResponse(malformed(`there is nothing at ${request.url}`, 404));
      }
      const { endpoint } = target;
      ledger.countRequest(endpoint);
      watch.check(endpoint, request);
      const disturbance = await disturb(context, endpoint, signal);
      if (disturbance !== undefined && disturbance !== 'lost') {
        watch.note(endpoint, request, disturbance);
        return complete(request, endpoint, disturbance);
      }
      const answer = await route(request, target);
      if (!answer.ok) ledger.addRefusal(endpoint, answer.error);
      const response = answer.ok ? answer.value : toProblemResponse(answer.error);
      watch.note(endpoint, request, response);
      if (disturbance === 'lost') throw toConnectionError('ECONNRESET');
      return complete(request, endpoint, response);
    },
    wipeAccounts: () => accounts.wipe(),
    recall: (certId) => certificates.recall(certId),
  };
}

async function createContext(options: AcmeStubOptions): Promise<StubContext> {
  const { clock, origin = 'https://acme.example.com' } = options;
  const settings = resolveSettings(options);
  const ledger = createLedger(clock);
  return {
    clock,
    origin,
    settings,
    authority: await createSigningAuthority(clock, settings.alternateRoots),
    nonces: createNonces(),
    faults: createFaults(clock),
    ledger,
    limits: createLimitKeeper(clock, ledger),
  };
}

function allowedMethods(endpoint: Endpoint): readonly string[] {
  switch (endpoint) {
    case 'directory':
    case 'renewalInfo':
      return ['GET'];
    case 'newNonce':
      return ['HEAD', 'GET'];
    case 'newAccount':
    case 'account':
    case 'newOrder':
    case 'order':
    case 'finalize':
    case 'authorization':
    case 'challenge':
    case 'certificate':
      return ['POST'];
  }
}

import type { KeyObject } from 'node:crypto';
import { fail, ok, type Result } from '../../../src/lib/result.ts';
import { isIP } from 'node:net';
import type { AccountRequest, StubAccount } from './accounts.ts';
import type { Authorization, Authorizations } from './authorizations.ts';
import type { Certificates, StoredCertificate } from './certificates.ts';
import { endpointPaths, parseRecord, toJsonResponse, type StubResponse } from './exchange.ts';
import { toNamesKey, type OrderRecord } from './ledger.ts';
import { parseOrderRequest, type OrderRequest } from './order-request.ts';
import { malformed, toProblemObject, unauthorized, type Problem } from './problem.ts';
import type { StubContext } from './settings.ts';
import { readSigningRequest } from './signing-request.ts';

interface Order {
  readonly url: string;
  readonly account: StubAccount;
  readonly record: OrderRecord;
  readonly authorizations: readonly Authorization[];
  readonly expires: number;
  status: 'pending' | 'ready' | 'processing' | 'valid' | 'invalid';
  key: KeyObject | undefined;
  /** When the certificate may be seen. */
  visibleAt: number;
  issuing: Promise<StoredCertificate> | undefined;
  certificate: StoredCertificate | undefined;
  problem: Problem | undefined;
}

/** Orders by RFC 8555 section 7.4. */
export interface Orders {
  open(request: AccountRequest): Promise<Result<StubResponse, Problem>>;
  serve(request: AccountRequest, id: string): Promise<Result<StubResponse, Problem>>;
  finalize(request: AccountRequest, id: string): Promise<Result<StubResponse, Problem>>;
}

const orderLifetime = 7 * 24 * 3_600_000;

export function createOrders(
  context: StubContext,
  authorizations: Authorizations,
  certificates: Certificates,
): Orders {
  const { clock, origin, settings, faults, ledger, limits } = context;
  const all = new Map<string, Order>();

  /** A pending order for the same is given again, as Let's Encrypt does. */
  function findOpen(account: StubAccount, request: OrderRequest): Order | undefined {
    return [...all.values()].find((order) => {
      const { record } = order;
      return (
        order.account === account &&
        toNamesKey(record.names) === toNamesKey(request.names) &&
        record.profile === request.profile &&
        record.replaces === request.replaces &&
        (order.status === 'pending' || order.status === 'ready')
      );
    });
  }

  function create(account: StubAccount, request: OrderRequest): Order {
    const { names, profile, replaces } = request;
    const id = String(all.size + 1);
    const record: OrderRecord = {
      at: clock.now(),
      order: id,
      account: account.url,
      names,
      profile,
      replaces,
      exempt: replaces !== undefined,
    };
    const order: Order = {
      url: `${origin}/${endpointPaths.order}/${id}`,
      account,
      record,
      authorizations: names.map((name) => authorizations.obtain(account, name)),
      expires: clock.now() + orderLifetime,
      status: 'pending',
      key: undefined,
      visibleAt: 0,
      issuing: undefined,
      certificate: undefined,
      problem: undefined,
    };
    ledger.orders.push(record);
    all.set(id, order);
    return order;
  }

  async function refresh(order: Order): Promise<void> {
    if (order.status === 'pending') refreshPending(order);
    if (order.status === 'ready' && clock.now() >= order.expires) order.status = 'invalid';
    if (order.status === 'processing') await refreshProcessing(order);
  }

  function refreshPending(order: Order): void {
    for (const authorization of order.authorizations) authorizations.refresh(authorization);
    const failed = order.authorizations.find(
      ({ status }) => status === 'invalid' || status === 'deactivated',
    );
    if (failed !== undefined || clock.now() >= order.expires) {
      order.status = 'invalid';
      order.problem = failed?.problem;
      return;
    }
    const proven = order.authorizations.every(({ status }) => status === 'valid');
    if (proven && !isStuck('pending')) order.status = 'ready';
  }

  async function refreshProcessing(order: Order): Promise<void> {
    if (order.issuing === undefined && !isStuck('processing')) startIssuing(order);
    if (order.issuing === undefined || clock.now() < order.visibleAt) return;
    order.certificate = await order.issuing;
    order.status = 'valid';
  }

  function isStuck(at: 'pending' | 'processing'): boolean {
    return faults.strike('orderStuck', 'order')?.at === at;
  }

  function startIssuing(order: Order): void {
    const { key, record } = order;
    if (key === undefined) return;
    order.visibleAt = clock.now() + settings.issueDelay;
    order.issuing = certificates.issue(order.account, record, key);
  }

  async function find(account: StubAccount, id: string): Promise<Result<Order, Problem>> {
    const order = all.get(id);
    if (order === undefined) return fail(malformed('there is no such order', 404));
    if (order.account !== account) return fail(unauthorized('the order belongs to another account'));
    await refresh(order);
    return ok(order);
  }

  function answer(order: Order, status: number): StubResponse {
    const waiting = order.status === 'processing' ? { 'retry-after': '1' } : {};
    return toJsonResponse(status, toOrderObject(order, origin), { location: order.url, ...waiting });
  }

  return {
    async open({ account, payload }) {
      const request = parseOrderRequest(payload, settings);
      if (!request.ok) return request;
      const { names, replaces } = request.value;
      const open = findOpen(account, request.value);
      if (open !== undefined) await refresh(open);
      if (open?.status === 'pending' || open?.status === 'ready') return ok(answer(open, 201));
      const refused =
        replaces === undefined ? undefined : certificates.checkReplacement(account, replaces, names);
      const problem =
        refused ?? limits.checkOrder({ account: account.url, names, exempt: replaces !== undefined });
      if (problem !== undefined) return fail(problem);
      const order = create(account, request.value);
      if (replaces !== undefined) certificates.markReplaced(replaces, () => order.status !== 'invalid');
      await refresh(order);
      return ok(answer(order, 201));
    },
    async serve({ account, payload }, id) {
      if (payload !== '') return fail(malformed('POST-as-GET is empty'));
      const order = await find(account, id);
      return order.ok ? ok(answer(order.value, 200)) : order;
    },
    async finalize({ account, payload }, id) {
      const found = await find(account, id);
      if (!found.ok) return found;
      const order = found.value;
      if (order.status !== 'ready') {
        return fail({ type: 'orderNotReady', status: 403, detail: `the order is ${order.status}` });
      }
      const csr = parseRecord(payload)?.['csr'];
      if (typeof csr !== 'string') return fail(malformed('there is no signing request'));
      const key = await readSigningRequest(csr, order.record.names);
      if (!key.ok) return key;
      if (isKeyOf(account, key.value)) {
        return fail({ type: 'badCSR', status: 400, detail: 'the account key is not for certificates' });
      }
      // Another request may have come first while the signature was checked.
      if (order.status !== 'ready') return fail({ type: 'orderNotReady', status: 403, detail: 'too late' });
      order.status = 'processing';
      order.key = key.value;
      const response = answer(order, 200);
      if (!isStuck('processing')) startIssuing(order);
      return ok(response);
    },
  };
}

function isKeyOf(account: StubAccount, key: KeyObject): boolean {
  const { x, n } = key.export({ format: 'jwk' });
  return (x !== undefined && x === account.jwk.x) || (n !== undefined && n === account.jwk.n);
}

function toOrderObject(order: Order, origin: string): unknown {
  const { record, status, expires, certificate, problem } = order;
  return {
    status,
    expires: new Date(expires).toISOString(),
    identifiers: record.names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
    profile: record.profile,
    ...(record.replaces === undefined ? {} : { replaces: record.replaces }),
    authorizations: order.authorizations.map(({ url }) => url),
    finalize: `${origin}/${endpointPaths.finalize}/${record.order}`,
    ...(certificate === undefined ? {} : { certificate: certificate.url }),
    ...(problem === undefined ? {} : { error: toProblemObject(problem) }),
  };
}

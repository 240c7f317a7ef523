import { createHash, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { fail, ok, type Result } from '../../../src/lib/result.ts';
import type { AccountRequest, StubAccount } from './accounts.ts';
import { endpointPaths, toJsonResponse, type StubResponse } from './exchange.ts';
import { toRetryAfterHeaders } from './faults.ts';
import type { CertificateRecord, OrderRecord } from './ledger.ts';
import { malformed, unauthorized, type Problem } from './problem.ts';
import type { StubContext } from './settings.ts';

export interface StoredCertificate {
  readonly url: string;
  readonly account: StubAccount;
  readonly record: CertificateRecord;
  /** Whether the order that replaces it still can. */
  isReplaced: () => boolean;
}

/** Issues, hands out and tells when to renew certificates. */
export interface Certificates {
  issue(account: StubAccount, order: OrderRecord, key: KeyObject): Promise<StoredCertificate>;
  /** The answer to a download (RFC 8555 section 7.4.2); `root` is the index of an alternate chain. */
  serve(request: AccountRequest, id: string, root: string | undefined): Result<StubResponse, Problem>;
  /** The answer to a question for renewal information (RFC 9773 section 4.2). */
  serveRenewalInfo(certId: string): Result<StubResponse, Problem>;
  /** Why an order may not replace a certificate (RFC 9773 section 5). */
  checkReplacement(account: StubAccount, certId: string, names: readonly string[]): Problem | undefined;
  markReplaced(certId: string, isReplaced: () => boolean): void;
  /** Wants a certificate renewed at once from now on, as before a revocation. */
  recall(certId: string): void;
}

const hour = 3_600_000;
/** What Let's Encrypt says. */
const renewalInfoInterval = 6 * 3600;

export function createCertificates(context: StubContext): Certificates {
  const { clock, origin, settings, authority, faults, ledger } = context;
  const byId = new Map<string, StoredCertificate>();
  const byCertId = new Map<string, StoredCertificate>();

  function recall(record: CertificateRecord): void {
    record.recalledAt ??= clock.now();
  }

  /** RFC 9773 section 4.2: around the point where a third of the life is left, or half of a life under ten days. */
  function toWindow(record: CertificateRecord): { readonly start: number; readonly end: number } {
    const { notBefore, notAfter, recalledAt } = record;
    if (recalledAt !== undefined) return { start: recalledAt - 2 * hour, end: recalledAt - hour };
    const lifetime = notAfter - notBefore;
    const ideal = notAfter - lifetime / (lifetime < 240 * hour ? 2 : 3);
    return { start: ideal - lifetime / 50, end: ideal + lifetime / 50 };
  }

  function answerWindow(
    window: { readonly start: number; readonly end: number },
    retryAfter?: number,
  ): StubResponse {
    const suggestedWindow = {
      start: new Date(window.start).toISOString(),
      end: new Date(window.end).toISOString(),
    };
    const seconds = retryAfter ?? renewalInfoInterval;
    return toJsonResponse(200, { suggestedWindow }, { 'retry-after': String(seconds) });
  }

  return {
    async issue(account, order, key) {
      const profile = settings.profiles[order.profile];
      const wrong = faults.strike('wrongCertificate', 'order')?.how;
      const [commonName = ''] = order.names;
      const leaf = await authority.issue({
        names: order.names,
        publicKey: key,
        lifetime: profile?.lifetime ?? 90 * 24 * hour,
        commonName: profile?.hasCommonName === true && isIP(commonName) === 0 ? commonName : undefined,
        wrong,
      });
      const record: CertificateRecord = {
        at: clock.now(),
        order,
        certId: leaf.certId,
        serialNumber: leaf.serialNumber,
        names: order.names,
        notBefore: leaf.notBefore,
        notAfter: leaf.notAfter,
        publicKey: createHash('sha256')
          .update(key.export({ type: 'spki', format: 'der' }))
          .digest('hex'),
        leaf: leaf.certificate,
        wrong: wrong !== undefined,
        deliveredAt: undefined,
        recalledAt: undefined,
      };
      ledger.certificates.push(record);
      const id = String(ledger.certificates.length);
      const url = `${origin}/${endpointPaths.certificate}/${id}`;
      const stored: StoredCertificate = { url, account, record, isReplaced: () => false };
      byId.set(id, stored);
      byCertId.set(leaf.certId, stored);
      return stored;
    },
    serve({ account, payload }, id, root) {
      const stored = byId.get(id);
      if (payload !== '') return fail(malformed('POST-as-GET is empty'));
      if (stored === undefined) return fail(malformed('there is no such certificate', 404));
      if (stored.account !== account) return fail(unauthorized('the certificate belongs to another account'));
      const index = Number(root ?? 0);
      if (!Number.isInteger(index) || authority.roots[index] === undefined) {
        return fail(malformed('there is no such chain', 404));
      }
      const { record } = stored;
      const wrong = faults.strike('wrongChain', 'certificate')?.how;
      const alternates = authority.roots
        .map((_, other) => `<${stored.url}/${other}>;rel="alternate"`)
        .filter((_, other) => other !== index);
      if (wrong === undefined) record.deliveredAt ??= clock.now();
      return ok({
        status: 200,
        headers: {
          'content-type': 'application/pem-certificate-chain',
          ...(alternates.length === 0 ? {} : { link: alternates.join(', ') }),
        },
        body: authority.buildChain(record.leaf, index, wrong),
      });
    },
    serveRenewalInfo(certId) {
      ledger.renewalReads.push({ at: clock.now(), certId });
      const stored = byCertId.get(certId);
      if (stored === undefined)
        return fail(malformed('no certificate of this authority has this identifier', 404));
      const { record } = stored;
      const window = toWindow(record);
      const now = clock.now();
      switch (faults.strike('renewalInfo', 'renewalInfo')?.how) {
        case undefined:
          return ok(answerWindow(window));
        case 'past':
          recall(record);
          return ok(answerWindow(toWindow(record)));
        case 'endBeforeStart':
          return ok(answerWindow({ start: window.end, end: window.start }));
        case 'noDates':
          return ok(toJsonResponse(200, { suggestedWindow: { start: 'soon', end: 'NaN' } }));
        case 'empty':
          return ok(toJsonResponse(200, {}));
        case 'notJson':
          return ok({ status: 200, headers: { 'content-type': 'application/json' }, body: '{"suggested' });
        case 'notFound':
          return ok({ status: 404, headers: {}, body: '' });
        case 'error':
          return ok({ status: 500, headers: toRetryAfterHeaders({ seconds: 60 }, now), body: '' });
        case 'retryAfterHuge':
          return ok(answerWindow(window, 10 * 365 * 24 * 3600));
        case 'retryAfterNegative':
          return ok(answerWindow(window, -1));
        case 'farFuture':
          return ok(answerWindow({ start: record.notAfter + hour, end: record.notAfter + 48 * hour }));
      }
    },
    checkReplacement(account, certId, names) {
      const stored = byCertId.get(certId);
      if (stored === undefined) return malformed(`there is no certificate ${certId}`, 404);
      if (stored.account !== account)
        return unauthorized('the replaced certificate belongs to another account');
      if (!stored.record.names.some((name) => names.includes(name))) {
        return malformed('the replaced certificate has none of the names');
      }
      const fault = faults.strike('replacesRefused', 'newOrder') !== undefined;
      return fault || stored.isReplaced()
        ? { type: 'alreadyReplaced', status: 409, detail: 'another order replaces this certificate' }
        : undefined;
    },
    markReplaced(certId, isReplaced) {
      const stored = byCertId.get(certId);
      if (stored !== undefined) stored.isReplaced = isReplaced;
    },
    recall(certId) {
      const stored = byCertId.get(certId);
      if (stored !== undefined) recall(stored.record);
    },
  };
}

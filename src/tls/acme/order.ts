import { isIP } from 'node:net';
import { IssueError, type IssueRequest } from '../automation/issuer.ts';
import type { AcmeAccount } from './account.ts';
import type { AcmeHttpResponse } from './acme-http.ts';
import { orderSchema, type AcmeDirectory, type Order } from './acme-objects.ts';
import { poll, type Look } from './poll.ts';
import { ProblemError, toProblemError } from './problem.ts';
import { parseRetryAfter } from './retry-after.ts';
import { notAcme, parseObject, type AcmeSession } from './signed-requests.ts';

export interface PlacedOrder {
  readonly url: string;
  readonly order: Order;
}

export interface OrderContext {
  readonly session: AcmeSession;
  readonly account: AcmeAccount;
}

/** Types with which authorities refuse what an order says about the certificate it replaces, not the order. */
const replacementProblems = new Set(['alreadyReplaced', 'malformed', 'unauthorized', 'conflict']);

/**
 * The profile to order: the configured one, and for addresses the short-lived one that authorities demand. Throws an IssueError
 * (E_ACME_REFUSED) when the directory does not offer what is configured.
 */
export function chooseProfile(options: {
  readonly directory: AcmeDirectory;
  readonly title: string;
  readonly names: readonly string[];
  readonly configured: string | undefined;
}): string | undefined {
  const { directory, title, names, configured } = options;
  const offered = Object.keys(directory.meta?.profiles ?? {});
  if (configured === undefined) {
    const hasAddress = names.some((name) => isIP(name) !== 0);
    return hasAddress && offered.includes('shortlived') ? 'shortlived' : undefined;
  }
  if (offered.includes(configured)) return configured;
  const list = offered.filter((name) => /^[\w.-]+$/.test(name)).map((name) => `\`${name}\``);
  throw new IssueError(
    'E_ACME_REFUSED',
    `${title} does not offer the profile \`${configured}\`, but ${list.join(', ') || 'none at all'}`,
    { hint: 'correct or remove `tls.acme.profile`' },
  );
}

/**
 * Places an order. What it replaces helps the authority count (RFC 9773 section 5) and is left out when it objects: a renewal
 * is worth more.
 */
export async function placeOrder(
  context: OrderContext,
  options: {
    readonly names: IssueRequest['names'];
    readonly profile: string | undefined;
    readonly replaces: string | undefined;
  },
): Promise<PlacedOrder> {
  const { session, account } = context;
  const { names, profile, replaces } = options;
  const identifiers = names.map((value) => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }));
  const payload = { identifiers, ...(profile === undefined ? {} : { profile }) };
  const place = async (more: { replaces?: string }): Promise<PlacedOrder> => {
    const response = await account.request(session.directory.newOrder, { ...payload, ...more });
    const url = response.headers['location'];
    if (url === undefined) throw notAcme(session.title, 'an order without its URL');
    return { url, order: parseObject(session.title, orderSchema, response) };
  };
  if (replaces === undefined) return place({});
  try {
    return await place({ replaces });
  } catch (error) {
    if (!(error instanceof ProblemError) || !replacementProblems.has(error.problem)) throw error;
    return place({});
  }
}

/**
 * Hands in the certificate request (DER) as soon as the order is ready and waits for the certificate; resolves with its URL.
 * Every look acts on the state it finds, so that a lost answer is made up for by the next one.
 */
export function finishOrder(
  { session, account }: OrderContext,
  options: { readonly url: string; readonly certificateRequest: Buffer; readonly timeout: number },
): Promise<string> {
  const { title, clock, signal } = session;
  const { url, timeout } = options;
  const csr = options.certificateRequest.toString('base64url');

  async function look(): Promise<Look<string>> {
    let response = await account.request(url);
    let order = parseObject(title, orderSchema, response);
    if (order.status === 'ready') {
      response = await account.request(order.finalize, { csr });
      order = parseObject(title, orderSchema, response);
    }
    return judge(order, response);
  }

  function judge(order: Order, response: AcmeHttpResponse): Look<string> {
    switch (order.status) {
      case 'pending':
      case 'ready':
      case 'processing':
        return {
          kind: 'wait',
          retryAfter: parseRetryAfter(response.headers['retry-after'], clock.now()),
        };
      case 'valid':
        if (order.certificate === undefined) throw notAcme(title, 'a finished order without a certificate');
        return { kind: 'done', value: order.certificate };
      case 'invalid':
        throw order.error === undefined
          ? new IssueError('E_ACME_REFUSED', `${title} gave the order up and gives no reason`)
          : toProblemError(order.error, { title, verdict: 'gave the order up' });
    }
  }

  return poll({ clock, signal, timeout, subject: `the order at ${title}`, look });
}

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '../../lib/clock.ts';
import type { JsonObject } from '../../lib/json.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { toPlainAddress } from './address-policy.ts';
import { parseCacheLifetime } from './cache-lifetime.ts';
import type { FetchFailure } from './fetch-failure.ts';
import { createHostSlots, type Priority } from './host-slots.ts';
import { sendPinned, type PinnedAnswer } from './pinned-request.ts';
import { parseStrictJson } from './strict-json.ts';
import { isAllowedAddress, parseTarget, toHostName, type TargetPolicy } from './target-policy.ts';

/** All addresses of a name; rejects, or finds none, when there are none. May end early when the signal is aborted. */
export type Resolver = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

export interface SafeFetchOptions {
  readonly clock: Clock;
  /** Goes into the User-Agent field. */
  readonly version: string;
  /** The system's resolver when absent; for URLs of strangers, one that keeps no thread waiting. */
  readonly resolve?: Resolver;
  /** Milliseconds for everything, from the name to the last byte; 3,000 when absent. */
  readonly timeout?: number;
  /** Bytes of a body; 65,536 when absent. */
  readonly largestBody?: number;
  /** Fetches from one host at the same time; 4 when absent. */
  readonly perHost?: number;
  /** Fetches at the same time in all; 32 when absent. */
  readonly total?: number;
}

export interface SafeRequest {
  readonly url: string;
  readonly targets: TargetPolicy;
  /** The only roots that vouch for the host, as PEM; those of the runtime when absent. */
  readonly ca?: string | undefined;
  /** Sends a form; only where the policy lets requests carry credentials. */
  readonly form?: SafeForm | undefined;
  /** Waits for a slot where none is free, as `HostSlots` says, before the time of the fetch begins; fails as `busy` at once when absent. */
  readonly priority?: Priority | undefined;
}

export interface SafeForm {
  readonly fields: Readonly<Record<string, string>>;
  /** Value of the Authorization field. */
  readonly authorization: string | undefined;
}

export interface FetchedDocument {
  readonly json: JsonObject;
  /** Milliseconds for which the answer is fresh by its own headers, 0 to 24 hours; `undefined` when they do not say. */
  readonly freshFor: number | undefined;
}

/**
 * Fetches one JSON object with status 200. Never rejects, and a failure holds no text of the other side.
 * The name is resolved once, every address of it is judged, and only a judged address is dialled (reliability A13).
 */
export type SafeFetch = (request: SafeRequest) => Promise<Result<FetchedDocument, FetchFailure>>;

const mostAddresses = 4;

/** The one way in which the gateway fetches documents that name or describe clients, keys and issuers. */
export function createSafeFetch(options: SafeFetchOptions): SafeFetch {
  const { clock, version, resolve = resolveWithSystem, timeout = 3000, largestBody = 65_536 } = options;
  const slots = createHostSlots({ perHost: options.perHost ?? 4, total: options.total ?? 32, clock });

  async function findAddresses(
    url: URL,
    policy: TargetPolicy,
    signal: AbortSignal,
  ): Promise<Result<string[], FetchFailure>> {
    const name = toHostName(url);
    let found: readonly string[];
    try {
      found = isIP(name) === 0 ? await resolve(name, signal) : [name];
    } catch {
      return fail({ kind: 'unresolved' });
    }
    if (found.length === 0) return fail({ kind: 'unresolved' });
    // mixed-answer: one forbidden address condemns the name, or the order of an answer would decide.
    if (!found.every((address) => isAllowedAddress(url, address, policy))) return fail({ kind: 'address' });
    const plain = found.map(toPlainAddress).filter((address) => address !== undefined);
    // Where IPv6 leads nowhere, connecting hangs until the deadline; IPv4 fails at once or works.
    return ok(
      [...new Set(plain)].toSorted((left, right) => isIP(left) - isIP(right)).slice(0, mostAddresses),
    );
  }

  async function send(
    url: URL,
    request: SafeRequest,
    signal: AbortSignal,
  ): Promise<Result<PinnedAnswer, FetchFailure>> {
    const { targets: policy, form, ca } = request;
    const addresses = await findAddresses(url, policy, signal);
    if (!addresses.ok) return addresses;
    let outcome: Result<PinnedAnswer, FetchFailure> = fail({ kind: 'unreachable' });
    for (const address of addresses.value) {
      if (signal.aborted) return fail({ kind: 'deadline' });
      outcome = await sendPinned({
        url,
        address,
        headers: toHeaders(version, form),
        body: form === undefined ? undefined : new URLSearchParams(form.fields).toString(),
        ca,
        largestBody,
        signal,
      });
      if (outcome.ok || outcome.error.kind !== 'unreachable') break;
    }
    return outcome;
  }

  /** Gives the slot back when the work has really ended. */
  async function sendInTime(url: URL, request: SafeRequest): Promise<Result<PinnedAnswer, FetchFailure>> {
    const controller = new AbortController();
    const late = new Promise<Result<PinnedAnswer, FetchFailure>>((settle) => {
      controller.signal.addEventListener('abort', () => settle(fail({ kind: 'deadline' })), { once: true });
    });
    const timer = clock.setTimeout(() => controller.abort(), timeout);
    // slow-resolver: a name that is still being looked up keeps its slot, and with it its thread, past the deadline.
    const sent = send(url, request, controller.signal).finally(() => slots.give(url.host));
    const outcome = await Promise.race([sent, late]);
    timer.cancel();
    return outcome;
  }

  return async (request) => {
    const url = parseTarget(request.url, request.targets);
    if (url === undefined) return fail({ kind: 'url' });
    if (request.form !== undefined && !request.targets.carriesCredentials) return fail({ kind: 'url' });
    const { priority } = request;
    const hasSlot = priority === undefined ? slots.take(url.host) : await slots.wait(url.host, priority);
    if (!hasSlot) return fail({ kind: 'busy' });
    const answer = await sendInTime(url, request);
    if (!answer.ok) return answer;
    const json = parseStrictJson(answer.value.body);
    if (json === undefined) return fail({ kind: 'json' });
    return ok({ json, freshFor: parseCacheLifetime(answer.value.headers, clock.now()) });
  };
}

function toHeaders(version: string, form: SafeForm | undefined): Record<string, string> {
  const headers = {
    accept: 'application/json',
    'accept-encoding': 'identity',
    'user-agent': `breakwater/${version}`,
  };
  if (form === undefined) return headers;
  return {
    ...headers,
    'content-type': 'application/x-www-form-urlencoded',
    ...(form.authorization === undefined ? {} : { authorization: form.authorization }),
  };
}

async function resolveWithSystem(name: string): Promise<readonly string[]> {
  const answers = await lookup(name, { all: true });
  return answers.map(({ address }) => address);
}

import { systemClock, type Clock } from '../lib/clock.ts';
import type { Facts, Gathered, HttpFacts, Target, TlsFacts } from './facts.ts';
import type { OAuthFacts } from './facts-oauth.ts';
import { gatherDns } from './probe/dns.ts';
import { exchange } from './probe/exchange.ts';
import { gatherHttp } from './probe/http.ts';
import { gatherOAuth, type Ask } from './probe/oauth.ts';
import type { Peer } from './probe/question.ts';
import type { Roots } from './probe/roots.ts';
import { hideQuery, secretsOfQuery } from './redact.ts';
import { gatherTcp } from './probe/tcp.ts';
import { gatherTls } from './probe/tls.ts';

export interface GatherOptions {
  /** Version of Breakwater. */
  readonly version: string;
  /** Header fields of the user's credential. */
  readonly credential?: Readonly<Record<string, string>>;
  /** Roots that are believed; those of the runtime unless given. */
  readonly roots?: Roots;
  /** Milliseconds for which a quiet stream is watched. */
  readonly idle?: number;
  /** Tool that is called once. */
  readonly call?: string;
  /** Registers a client for each known redirect: the one thing that leaves a trace at an authorization server. */
  readonly register?: boolean;
  /** Where plain HTTP of the same host is; 80 unless given, where HTTPS is at 443. */
  readonly httpPort?: number;
  /** Milliseconds for one answer. */
  readonly deadline?: number;
  /** Milliseconds for all questions together, but for `idle` and `call`. */
  readonly budget?: number;
  readonly clock?: Clock;
  /** Is told what goes on, for progress. */
  readonly report?: (what: string) => void;
}

const usualDeadline = 3000;
const usualBudget = 25_000;

/** Asks an endpoint everything, from the wire up. Stops where a layer lets nothing through. Never rejects, never hangs. */
export async function gather(target: Target, options: GatherOptions): Promise<Facts> {
  const { version, clock = systemClock, deadline = usualDeadline, report = () => undefined } = options;
  const spent: Record<string, number> = {};
  const at = new Date(clock.now()).toISOString();
  const secrets = new Set([
    ...Object.values(options.credential ?? {}).flatMap((value) => value.split(' ')),
    ...secretsOfQuery(target.path),
  ]);
  const unpinned = {
    host: target.host,
    roots: options.roots,
    userAgent: `breakwater-doctor/${version}`,
    secrets,
  };

  async function timed<T>(layer: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await work();
    spent[layer] = Math.round(performance.now() - started);
    return result;
  }

  report(`looking up \`${target.host}\``);
  const dns = await timed('dns', () => gatherDns(target, { deadline }));
  const addresses = [...dns.ipv4, ...dns.ipv6];
  const tcp: Facts['tcp'] =
    addresses.length === 0
      ? { done: false, because: 'the name has no address' }
      : done(
          await timed('tcp', () =>
            gatherTcp(target, addresses, { deadline, peer: { ...unpinned, verified: false } }),
          ),
        );
  const address = tcp.done ? tcp.facts.used : undefined;
  const tls = await agreeOnTls();
  const asked = await askAll();
  return {
    format: 1,
    doctor: version,
    at,
    target: { ...target, url: hideQuery(target.url), path: hideQuery(target.path) },
    asked: {
      token: options.credential === undefined ? 'none' : mayHaveToken() ? 'sent' : 'withheld',
      register: options.register === true,
      ...(options.idle === undefined ? {} : { idle: options.idle }),
      ...(options.call === undefined ? {} : { call: options.call }),
    },
    dns: done(dns),
    tcp,
    tls,
    ...asked,
    spent,
  };

  async function agreeOnTls(): Promise<Gathered<TlsFacts>> {
    if (address === undefined) return { done: false, because: 'no address could be connected to' };
    if (!target.secure) return { done: false, because: 'the address is plain HTTP' };
    report('agreeing on TLS');
    return done(await timed('tls', () => gatherTls(target, address, { deadline, roots: options.roots })));
  }

  function isVerified(): boolean {
    return tls.done && tls.facts.usual.outcome === 'agreed' && tls.facts.untrusted === undefined;
  }

  /** token-leak: a credential goes to no one who has not proved to be the target. */
  function mayHaveToken(): boolean {
    return target.secure ? isVerified() : target.loopback;
  }

  async function askAll(): Promise<{
    readonly http: Gathered<HttpFacts>;
    readonly oauth: Gathered<OAuthFacts>;
  }> {
    if (address === undefined) return askNothing('no address could be connected to');
    if (target.secure && !(tls.done && tls.facts.usual.outcome === 'agreed')) {
      return askNothing('no TLS could be agreed on');
    }
    const peer: Peer = { ...unpinned, address, verified: isVerified() };
    const seen = await timed('http', () =>
      gatherHttp({
        target,
        peer,
        version,
        httpPort: options.httpPort ?? (target.port === 443 ? 80 : undefined),
        credential: mayHaveToken() ? options.credential : undefined,
        deadline,
        budget: options.budget ?? usualBudget,
        idle: options.idle,
        call: options.call,
        report,
      }),
    );
    const initialize = seen.exchanges.initialize;
    if (initialize?.outcome !== 'answered') {
      return { http: done(seen), oauth: { done: false, because: '`initialize` got no answer' } };
    }
    report('looking for the way to a login');
    const ask: Ask = async ({ method, url, fields = {}, body }) => {
      const { origin, pathname, search } = new URL(url);
      return exchange(peer, {
        method,
        origin,
        path: `${pathname}${search}`,
        fields,
        deadline,
        ...(body === undefined ? {} : { body }),
      });
    };
    const oauth = await timed('oauth', () =>
      gatherOAuth({
        target,
        ask,
        initialize: seen.exchanges['initialize-anonymous'],
        register: options.register === true,
      }),
    );
    return { http: done(seen), oauth: done(oauth) };
  }
}

function askNothing(because: string): {
  readonly http: Gathered<HttpFacts>;
  readonly oauth: Gathered<OAuthFacts>;
} {
  const nothing = { done: false, because } as const;
  return { http: nothing, oauth: nothing };
}

function done<T>(facts: T): { readonly done: true; readonly facts: T } {
  return { done: true, facts };
}

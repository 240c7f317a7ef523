import { isIP } from 'node:net';
import { createSecureContext, type SecureContext, type Server, type TlsOptions } from 'node:tls';
import { toCanonicalName } from '../canonical-name.ts';
import { applicationProtocols, intermediatePolicy } from './policy.ts';
import { createServerNameCallback, type NameDecision } from './server-name-callback.ts';
import type { CertificateFacts, TlsMaterial } from '../tls-material.ts';

/** The certificates in use; the first is the default one. */
export type Materials = readonly [TlsMaterial, ...TlsMaterial[]];

export interface CertificateStoreOptions {
  readonly materials: Materials;
  /** Names that the default certificate answers although it may not cover them, so that the client sees which one it got. */
  readonly domains: readonly string[];
  /** What a client gets that asks for a name nobody here has. */
  readonly unknownName: 'default' | 'refuse';
  /** 48 random bytes. */
  readonly ticketKeys: Buffer;
}

export interface ServerTlsOptions {
  readonly http2: boolean;
  /** Milliseconds until a client that does not complete its handshake is cut. */
  readonly handshakeTimeout: number;
}

/**
 * Chooses the certificate for each handshake and swaps certificates and ticket keys under running servers.
 * Established connections keep what they were made with.
 */
export class CertificateStore {
  readonly sniCallback: NonNullable<TlsOptions['SNICallback']>;
  readonly #domains: readonly string[];
  readonly #unknownName: 'default' | 'refuse';
  readonly #servers = new Set<Server>();
  #materials: Materials;
  #contexts: ReadonlyMap<string, NameDecision>;
  #ticketKeys: Buffer;

  constructor(options: CertificateStoreOptions) {
    this.#domains = options.domains;
    this.#unknownName = options.unknownName;
    this.#materials = options.materials;
    this.#contexts = this.#buildContexts(options.materials);
    this.#ticketKeys = options.ticketKeys;
    this.sniCallback = createServerNameCallback((servername) => this.decide(servername));
  }

  /** Options for `tls.createServer`. The server must also be given to `attach`, or it keeps today's default certificate. */
  createTlsOptions(options: ServerTlsOptions): TlsOptions {
    return {
      ...this.#serverContext(),
      SNICallback: this.sniCallback,
      ALPNProtocols: applicationProtocols(options),
      handshakeTimeout: options.handshakeTimeout,
    };
  }

  /** Keeps a server up to date until it closes: clients that send no name are answered from its own context. */
  attach(server: Server): void {
    this.#servers.add(server);
    server.setSecureContext(this.#serverContext());
    server.once('close', () => this.#servers.delete(server));
  }

  /** Serves new handshakes with other certificates. When one of them cannot be used nothing changes and the engine's error is thrown. */
  replace(materials: Materials): void {
    const contexts = this.#buildContexts(materials);
    this.#materials = materials;
    this.#contexts = contexts;
    for (const server of this.#servers) server.setSecureContext(this.#serverContext());
  }

  /** New keys for session tickets: what was recorded can no longer be opened with stolen ones, and old tickets cost one full handshake. */
  rotateTicketKeys(ticketKeys: Buffer): void {
    this.#ticketKeys = ticketKeys;
    // `setTicketKeys` does the same on Node and is missing on Bun, where a new context brings new keys of its own.
    for (const server of this.#servers) server.setSecureContext(this.#serverContext());
  }

  get facts(): readonly CertificateFacts[] {
    return this.#materials.map((material) => material.facts);
  }

  /**
   * Answers a server name in any case, with or without a trailing dot: exact names first, then wildcards, which stand for one label.
   * Addresses are not names (RFC 6066 section 3) and get the default.
   */
  decide(servername: string): NameDecision {
    const name = toCanonicalName(servername);
    if (isIP(name) !== 0) return { kind: 'default' };
    const dot = name.indexOf('.');
    const wildcard = dot < 1 ? undefined : this.#contexts.get(`*${name.slice(dot)}`);
    return this.#contexts.get(name) ?? wildcard ?? { kind: this.#unknownName };
  }

  #buildContexts(materials: Materials): ReadonlyMap<string, NameDecision> {
    const contexts = new Map<string, NameDecision>();
    const [first, ...others] = materials;
    // Each server makes the default context itself; made here too, a bad certificate is found before anything has changed.
    buildContext(first);
    for (const name of [...first.facts.names, ...this.#domains]) contexts.set(name, { kind: 'default' });
    for (const material of others) {
      const context = buildContext(material);
      for (const name of material.facts.names) {
        if (!contexts.has(name)) contexts.set(name, { kind: 'context', context });
      }
    }
    return contexts;
  }

  /** Node forgets every setting that is not repeated when it swaps a context, the ticket keys included. */
  #serverContext(): TlsOptions {
    const [first] = this.#materials;
    return { ...intermediatePolicy, cert: first.chain, key: first.key, ticketKeys: this.#ticketKeys };
  }
}

/** OpenSSL takes the cipher list of the chosen context too, so each one carries the whole policy. */
function buildContext(material: TlsMaterial): SecureContext {
  return createSecureContext({ ...intermediatePolicy, cert: material.chain, key: material.key });
}

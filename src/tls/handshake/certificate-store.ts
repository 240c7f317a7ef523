import { isIP } from 'node:net';
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { toCanonicalName } from '../../lib/canonical-name.ts';
import { createProtocolCallback, type ChallengeCertificates } from './challenge-callback.ts';
import { toClientRequest, withClientCertificates, type ClientCertificates } from './client-certificates.ts';
import { applicationProtocols, policyOf, type TlsPolicy } from './policy.ts';
import { createServerNameCallback, type NameDecision } from './server-name-callback.ts';
import type { CertificateFacts, TlsMaterial } from '../tls-material.ts';

/** The certificates in use; the first is the default one. While there is none, every handshake is refused. */
export type Materials = readonly TlsMaterial[];

export interface CertificateStoreOptions {
  readonly materials: Materials;
  /** Names that the default certificate answers although it may not cover them, so that the client sees which one it got. */
  readonly domains: readonly string[];
  /** What a client gets that asks for a name nobody here has. */
  readonly unknownName: 'default' | 'refuse';
  /** Called for such a name instead where it is given: true when there is a certificate for it now. */
  readonly onUnknownName?: (name: string) => Promise<boolean>;
  /** What validators of a certificate authority are answered with. */
  readonly challenges?: ChallengeCertificates;
  /** `intermediate` when absent. */
  readonly policy?: TlsPolicy;
  /** Asks clients for certificates; whether they are required cannot be changed later. */
  readonly clients?: ClientCertificates | undefined;
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
  readonly #onUnknownName: ((name: string) => Promise<boolean>) | undefined;
  readonly #challenges: ChallengeCertificates | undefined;
  readonly #servers = new Set<Server>();
  /** Sockets of validators, with what they came for. */
  readonly #validators = new WeakMap<object, SecureContext>();
  /** Building one takes a millisecond, and a swap concerns one certificate of many. */
  #built = new WeakMap<TlsMaterial, SecureContext>();
  readonly #policy: TlsPolicy;
  #clients: ClientCertificates | undefined;
  #materials: Materials;
  #contexts: ReadonlyMap<string, NameDecision>;
  #ticketKeys: Buffer;

  constructor(options: CertificateStoreOptions) {
    this.#domains = options.domains;
    this.#unknownName = options.unknownName;
    this.#onUnknownName = options.onUnknownName;
    this.#challenges = options.challenges;
    this.#policy = options.policy ?? 'intermediate';
    this.#clients = options.clients;
    this.#materials = options.materials;
    this.#contexts = this.#buildContexts(options.materials);
    this.#ticketKeys = options.ticketKeys;
    this.sniCallback = createServerNameCallback((servername, socket) => this.#decideFor(servername, socket));
  }

  /** Options for `tls.createServer`. The server must also be given to `attach`, or it keeps today's default certificate. */
  createTlsOptions(options: ServerTlsOptions): TlsOptions {
    return {
      ...this.#serverContext(),
      ...toClientRequest(this.#clients),
      SNICallback: this.sniCallback,
      ...this.#protocolOptions(options),
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

  /** Checks new handshakes against other authorities and revocation lists. When they cannot be used nothing changes and the engine's error is thrown. */
  replaceClients(clients: ClientCertificates): void {
    const previous = { clients: this.#clients, built: this.#built, contexts: this.#contexts };
    this.#clients = clients;
    this.#built = new WeakMap();
    try {
      this.#contexts = this.#buildContexts(this.#materials);
    } catch (error) {
      this.#clients = previous.clients;
      this.#built = previous.built;
      this.#contexts = previous.contexts;
      throw error;
    }
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

  /** In TLS 1.3 the protocol is chosen before the name is looked at; in TLS 1.2 after, so a name with a challenge is let through. */
  #decideFor(servername: string, socket: unknown): NameDecision {
    const validator =
      typeof socket === 'object' && socket !== null ? this.#validators.get(socket) : undefined;
    if (validator !== undefined) return { kind: 'context', context: validator };
    const decision = this.decide(servername);
    if (decision.kind !== 'refuse') return decision;
    const name = toCanonicalName(servername);
    if (this.#challenges?.contextFor(name) !== undefined) return { kind: 'default' };
    if (this.#onUnknownName === undefined) return decision;
    const obtained = this.#onUnknownName(name);
    return {
      kind: 'wait',
      until: obtained.then((isThere) => (isThere ? this.#decideLate(name) : { kind: 'refuse' })),
    };
  }

  /** The handshake began with the default certificate of that time, which may have been none. */
  #decideLate(name: string): NameDecision {
    const decision = this.decide(name);
    const [first] = this.#materials;
    if (decision.kind !== 'default' || first === undefined) return decision;
    return { kind: 'context', context: this.#contextOf(first) };
  }

  #protocolOptions({ http2 }: ServerTlsOptions): TlsOptions {
    const challenges = this.#challenges;
    if (challenges === undefined) return { ALPNProtocols: applicationProtocols({ http2 }) };
    const onValidator = (socket: TLSSocket, context: SecureContext): void =>
      void this.#validators.set(socket, context);
    return { ALPNCallback: createProtocolCallback({ http2, challenges, onValidator }) };
  }

  #buildContexts(materials: Materials): ReadonlyMap<string, NameDecision> {
    const contexts = new Map<string, NameDecision>();
    const [first, ...others] = materials;
    if (first === undefined) return contexts;
    // Each server makes the default context itself; made here too, a bad certificate is found before anything has changed.
    this.#contextOf(first);
    for (const name of [...first.facts.names, ...this.#domains]) contexts.set(name, { kind: 'default' });
    for (const material of others) {
      const context = this.#contextOf(material);
      for (const name of material.facts.names) {
        if (!contexts.has(name)) contexts.set(name, { kind: 'context', context });
      }
    }
    return contexts;
  }

  #contextOf(material: TlsMaterial): SecureContext {
    const known = this.#built.get(material);
    if (known !== undefined) return known;
    const { chain: cert, key } = material;
    const context = createSecureContext({ ...this.#shared(), cert, key });
    this.#built.set(material, context);
    return context;
  }

  /** Node forgets every setting that is not repeated when it swaps a context, the ticket keys included. */
  #serverContext(): TlsOptions {
    const [first] = this.#materials;
    const certificate = first === undefined ? {} : { cert: first.chain, key: first.key };
    return { ...this.#shared(), ...certificate, ticketKeys: this.#ticketKeys };
  }

  /** OpenSSL takes ciphers, authorities and revocation lists of the chosen context too, so each one carries them all. */
  #shared(): SecureContextOptions {
    return withClientCertificates(policyOf(this.#policy), this.#clients);
  }
}

/** The part of `oidc-provider` 9.13 that this room uses; the package brings no declarations. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  /** Client metadata as stored and as given to the schema (RFC 7591, snake case). */
  export type ClientMetadata = Readonly<Record<string, unknown>>;

  export interface Client {
    readonly clientId: string;
    readonly clientName: string | undefined;
    readonly redirectUris: readonly string[];
    grantTypeAllowed(type: string): boolean;
    metadata(): Record<string, unknown>;
  }

  export interface Grant {
    readonly jti: string;
    readonly accountId: string;
    readonly clientId: string;
    addOIDCScope(scope: string): void;
    addResourceScope(resource: string, scope: string): void;
    save(ttl?: number): Promise<string>;
  }

  /** Tokens and codes, as far as policies look at them. */
  export interface Token {
    readonly jti: string;
    readonly kind: string;
    readonly accountId: string | undefined;
    readonly clientId: string;
    readonly grantId: string | undefined;
    readonly resource: string | readonly string[] | undefined;
  }

  export interface Interaction {
    readonly uid: string;
    readonly jti: string;
    readonly exp: number;
    readonly params: Readonly<Record<string, string | readonly string[] | undefined>>;
    readonly prompt: { readonly name: string; readonly details: InteractionDetails };
    session: { readonly accountId: string; readonly uid: string } | undefined;
    save(ttl: number): Promise<string>;
  }

  export interface InteractionDetails {
    readonly missingOIDCScope?: readonly string[];
    readonly missingResourceScopes?: Readonly<Record<string, readonly string[]>>;
  }

  export interface Session {
    readonly uid: string;
    readonly accountId: string | undefined;
    destroy(): Promise<void>;
  }

  /** A Koa context with what the provider adds. */
  export interface ProviderContext {
    readonly path: string;
    query: Record<string, string | string[] | undefined>;
    readonly status: number;
    body: unknown;
    type: string;
    readonly state: Record<string, unknown>;
    readonly req: IncomingMessage;
    readonly res: ServerResponse;
    accepts(...types: readonly string[]): string | false;
    set(name: string, value: string): void;
    readonly oidc: {
      readonly provider: Provider;
      readonly client: Client | undefined;
      readonly route: string;
      readonly params: Record<string, string | readonly string[] | undefined>;
      readonly prompts: ReadonlySet<string>;
      readonly resourceServers: Readonly<Record<string, { readonly scopes: ReadonlySet<string> }>>;
      readonly requestParamScopes: ReadonlySet<string>;
      readonly session: { readonly accountId: string | undefined };
      readonly account: { readonly accountId: string } | undefined;
      readonly result: { readonly consent?: { readonly grantId?: string } } | undefined;
      readonly entities: {
        readonly RefreshToken?: Token;
        readonly RotatedRefreshToken?: Token;
        readonly AccessToken?: Token;
        readonly Client?: Client;
        readonly Grant?: Grant;
      };
    };
  }

  export interface InteractionResult {
    readonly login?: {
      readonly accountId: string;
      readonly remember: boolean;
      readonly amr: readonly string[];
    };
    readonly consent?: { readonly grantId: string };
    readonly error?: string;
    readonly error_description?: string;
  }

  export interface AdapterPayload extends Record<string, unknown> {
    readonly jti?: string;
    readonly uid?: string;
    readonly grantId?: string;
    readonly consumed?: number;
  }

  export interface Adapter {
    upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<void>;
    find(id: string): Promise<AdapterPayload | undefined>;
    findByUid(uid: string): Promise<AdapterPayload | undefined>;
    findByUserCode(code: string): Promise<undefined>;
    consume(id: string): Promise<void>;
    destroy(id: string): Promise<void>;
    revokeByGrantId(grantId: string): Promise<void>;
  }

  export class Provider {
    constructor(issuer: string, configuration: object);
    static get ctx(): ProviderContext | undefined;
    readonly issuer: string;
    proxy: boolean;
    silent: boolean;
    readonly Client: {
      find(id: string): Promise<Client | undefined>;
      validate(metadata: ClientMetadata): Promise<void>;
      readonly prototype: { redirectUriAllowed(this: Client, uri: string): boolean };
    };
    readonly Grant: {
      new (payload: { readonly accountId: string; readonly clientId: string }): Grant;
      find(id: string): Promise<Grant | undefined>;
    };
    readonly Session: {
      findByUid(uid: string): Promise<Session | undefined>;
      get(context: unknown): Promise<Session>;
    };
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    createContext(request: IncomingMessage, response: ServerResponse): unknown;
    use(middleware: (context: ProviderContext, next: () => Promise<void>) => Promise<void>): this;
    on(event: string, listener: (...values: readonly unknown[]) => void): this;
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>;
    /** Notes the result of a step and returns the address that goes on with the request. */
    interactionResult(
      request: IncomingMessage,
      response: ServerResponse,
      result: InteractionResult,
      options: { readonly mergeWithLastSubmission: boolean },
    ): Promise<string>;
  }

  export const errors: {
    readonly InvalidGrant: new (detail: string) => Error;
    readonly TemporarilyUnavailable: new (description?: string) => Error;
    readonly InvalidTarget: new (description?: string) => Error;
    readonly InvalidScope: new (description: string, scope: string) => Error;
    readonly OIDCProviderError: new (status: number, message: string) => Error;
    readonly SessionNotFound: new (description: string) => Error;
  };

  interface PolicyPrompt {
    readonly name: string;
    readonly checks: { remove(reason: string): void };
  }

  export const interactionPolicy: {
    base(): PolicyPrompt[] & { get(name: string): PolicyPrompt | undefined };
  };
}

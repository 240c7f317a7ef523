import { isClaimedField } from '../http/forwarded.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import type { Placed } from '../lib/swap-set.ts';
import type { UpstreamConnection, UpstreamListener } from '../upstream/connection.ts';
import type { UpstreamPool } from '../upstream/pool.ts';
import type { Exchange } from './exchange.ts';
import { CLIENT_GONE } from './outcome.ts';
import { sendReply } from './reply.ts';
import { buildCommonFields, type ResponsePolicy } from './response-fields.ts';

export interface LoginRelayEnvironment {
  /** Connections to the socket of the authorization server. */
  readonly pool: UpstreamPool;
  readonly policy: ResponsePolicy;
  readonly onSettled: (relay: LoginRelay) => void;
}

/**
 * Carries a request to the built-in authorization server and its answer back. Other than before an MCP server all fields pass, cookies,
 * credentials and origins among them: both ends are ours. Who the client is, only the gateway says.
 */
export class LoginRelay implements UpstreamListener, Placed {
  readonly kind = 'login';
  place = -1;
  readonly exchange: Exchange;
  readonly #environment: LoginRelayEnvironment;
  #connection: UpstreamConnection | undefined;
  #isSettled = false;

  constructor(environment: LoginRelayEnvironment, exchange: Exchange) {
    this.#environment = environment;
    this.exchange = exchange;
  }

  start(): void {
    const { sink, request } = this.exchange;
    if (sink.closed) {
      this.#onClientGone();
      return;
    }
    sink.onClose = () => this.#onClientGone();
    sink.onDrain = () => this.#connection?.resume();
    this.#connection = this.#environment.pool.acquire();
    this.#connection.send(
      [Buffer.from(buildHead(this.exchange), 'latin1'), request.body],
      request.method,
      this,
    );
  }

  /** Gives the exchange up for good: the drain time is over. */
  giveUp(): void {
    const connection = this.#connection;
    this.onFailure('E_DRAINING');
    connection?.abort();
  }

  onHead(head: ResponseHead): void {
    const { sink, outcome } = this.exchange;
    outcome.status = head.status;
    const length = head.framing.kind === 'length' ? head.framing.length : undefined;
    const fields = [...buildCommonFields(this.exchange, this.#environment.policy), ...head.fields];
    sink.open(head.status, fields, head.framing.kind === 'none' ? 0 : length);
  }

  onData(bytes: Buffer): void {
    if (this.#isSettled) return;
    this.exchange.outcome.bytes += bytes.length;
    this.exchange.sink.write(bytes);
  }

  onFlush(): boolean {
    return this.#isSettled || this.exchange.sink.flush();
  }

  onEnd(): void {
    if (this.#isSettled) return;
    this.exchange.sink.end();
    this.#settle();
  }

  onFailure(code: ErrorCode): void {
    if (this.#isSettled) return;
    const { exchange } = this;
    exchange.outcome.code = code;
    if (exchange.sink.headSent) exchange.sink.abort();
    else sendReply(exchange, { kind: 'error', code }, this.#environment.policy);
    this.#settle();
  }

  #onClientGone(): void {
    if (this.#isSettled) return;
    this.#connection?.abort();
    if (this.exchange.outcome.status === 0) this.exchange.outcome.status = CLIENT_GONE;
    this.#settle();
  }

  #settle(): void {
    this.#isSettled = true;
    this.#connection = undefined;
    this.#environment.onSettled(this);
  }
}

/** forged-address: of all that claims to know the client, nothing goes on; throttles count by this address. */
function buildHead({ request, client }: Exchange): string {
  const { fields, body } = request;
  let head = `${request.method} ${request.path}${request.query} HTTP/1.1\r\nhost: ${request.authority}\r\n`;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    if (!isClaimedField(name)) head += `${name}: ${fields[index + 1]}\r\n`;
  }
  head += `x-forwarded-for: ${client.address}\r\nx-forwarded-proto: https\r\n`;
  if (body.length > 0 || request.method === 'POST') head += `content-length: ${body.length}\r\n`;
  return `${head}\r\n`;
}

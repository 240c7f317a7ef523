import type { IncomingRequest, RequestHandler, ResponseSink } from '../http/exchange.ts';
import { resolveClient } from '../http/forwarded.ts';
import type { IsTrusted } from '../http/trusted-proxies.ts';
import type { Clock } from '../lib/clock.ts';
import type { Exchange } from './exchange.ts';
import { sendReply, type Reply } from './reply.ts';
import type { ResponsePolicy } from './response-fields.ts';

/** One step of a request: a reply ends the exchange, nothing passes it on. Only a promise is waited for. */
export type Stage = (exchange: Exchange) => Reply | undefined | Promise<Reply | undefined>;

export interface PipelineOptions {
  /**
   * The order is fixed: cheap refusals come first, nothing is classified before the caller is known, and
   * nothing reaches `forward` that a stage has not seen in the form in which it is forwarded.
   */
  readonly stages: readonly Stage[];
  readonly forward: (exchange: Exchange) => void;
  readonly record: (exchange: Exchange) => void;
  readonly onError: (error: unknown) => void;
  readonly isTrusted: IsTrusted;
  readonly policy: ResponsePolicy;
  readonly clock: Clock;
}

/** Builds the handler that takes each request through the stages to the upstream or to a reply, and records it. */
export function createPipeline(options: PipelineOptions): RequestHandler {
  const { stages, policy } = options;

  const finish = (exchange: Exchange, reply: Reply): void => {
    sendReply(exchange, reply, policy);
    options.record(exchange);
  };
  const fail = (exchange: Exchange, error: unknown): void => {
    options.onError(error);
    finish(exchange, { kind: 'error', code: 'E_INTERNAL' });
  };
  const advance = (exchange: Exchange, from: number): void => {
    for (let index = from; index < stages.length; index++) {
      const result = stages[index]?.(exchange);
      if (result === undefined) continue;
      if (!(result instanceof Promise)) {
        finish(exchange, result);
        return;
      }
      const next = index + 1;
      result.then(
        (reply) => (reply === undefined ? run(exchange, next) : finish(exchange, reply)),
        (error: unknown) => fail(exchange, error),
      );
      return;
    }
    options.forward(exchange);
  };
  const run = (exchange: Exchange, from: number): void => {
    try {
      advance(exchange, from);
    } catch (error) {
      fail(exchange, error);
    }
  };

  return (request, sink) => run(createExchange(request, sink, options), 0);
}

function createExchange(request: IncomingRequest, sink: ResponseSink, options: PipelineOptions): Exchange {
  return {
    request,
    sink,
    startedAt: options.clock.monotonic(),
    client: resolveClient(request, options.isTrusted),
    outcome: {
      status: 0,
      bytes: 0,
      upstreamStatus: undefined,
      upstream: undefined,
      code: undefined,
      stream: false,
      deferred: false,
    },
    destination: { kind: 'unknown' },
    origin: undefined,
    principal: undefined,
    token: undefined,
    leave: undefined,
    envelope: undefined,
    refusedId: undefined,
    classification: undefined,
    listFilter: undefined,
    session: undefined,
    dropsEventId: false,
    serverKey: undefined,
    upstreamTarget: undefined,
    outbound: undefined,
  };
}

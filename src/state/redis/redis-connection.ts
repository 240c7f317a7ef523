import { hash } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { isGatewayError, type GatewayError } from '../../lib/gateway-error.ts';
import { pause } from '../../lib/pause.ts';
import { createAlarm } from './redis-alarm.ts';
import { explainFailure, RedisSilence, toRedisError, type RedisFailure } from './redis-errors.ts';
import { openLink, type RedisLink } from './redis-link.ts';
import { loadRedis } from './redis-module.ts';
import type { RedisAddress, RedisSettings } from './redis-settings.ts';
import { within } from './time-limit.ts';

/** A Redis or Valkey server that may go away and come back. */
export interface RedisConnection {
  /** Stands before all keys. */
  readonly prefix: string;
  /**
   * Asks one question. Rejects within two seconds with a GatewayError (E_STATE_UNREACHABLE) that says why there is no answer; what was asked
   * may have been done nevertheless.
   */
  send(words: readonly string[]): Promise<unknown>;
  /** Runs a script (Lua) that writes; as `send`. */
  run(script: string, keys: readonly string[], words: readonly string[]): Promise<unknown>;
  /** Calls with what is published on the channel, whose name gets the prefix; returns how to stop. */
  listen(channel: string, onMessage: (message: string) => void): () => void;
  /** Tells all who listen on the channel just now; rejects as `send`. */
  publish(channel: string, message: string): Promise<void>;
  /** Idempotent; nothing may be asked afterwards. */
  close(): void;
}

export interface RedisConnectionOptions {
  readonly settings: RedisSettings;
  readonly clock: Clock;
  /** Told once for each reason of an outage. */
  readonly onProblem: (error: unknown) => void;
  /** Told when all is well again. */
  readonly onRecovered: () => void;
  /** From 0 up to 1; spreads the attempts of replicas that lost the server together. */
  readonly random?: () => number;
}

/** For an answer, and for a connection. */
const limitMilliseconds = 2000;
const beatMilliseconds = 1000;
/** Beats without an answer after which the connection counts as dead, as behind a forgotten translation. */
const mostSilentBeats = 3;
/** So long no write was refused when it is told that none is. */
const calmMilliseconds = 5000;
const firstPause = 100;
const longestPause = 1000;
/** How long the first connection is tried for. */
const patience = 5000;

/**
 * Connects, and from then on connects again whenever the connection is lost. Rejects with a GatewayError (E_STATE_UNREACHABLE) when the
 * server lets nobody in, or does not answer within five seconds.
 */
export async function openRedisConnection(options: RedisConnectionOptions): Promise<RedisConnection> {
  const { settings, clock, random = Math.random } = options;
  const redis = await loadRedis();
  const closing = new AbortController();
  const outage = createAlarm(options);
  const refusal = createAlarm(options);
  const listeners = new Map<string, Set<(message: string) => void>>();
  let address: RedisAddress = settings.address;
  let link: RedisLink | undefined;
  let silentBeats = 0;
  let refusedAt = -Infinity;
  let lostAt = clock.monotonic();
  let arrival = Promise.withResolvers<RedisLink>();
  let reason: RedisFailure = { kind: 'away', reason: 'there is no connection yet' };

  const toError = (failure: RedisFailure, cause?: unknown): GatewayError =>
    toRedisError(failure, address, cause);
  const connect = (): Promise<RedisLink> =>
    openLink({
      redis,
      settings,
      address,
      clock,
      limit: limitMilliseconds,
      channels: [...listeners.keys()],
      onMessage(channel, message) {
        for (const listener of listeners.get(channel) ?? []) listener(message);
      },
    });

  /** A connection on which that fails is made anew, with all channels. */
  function subscribe(used: RedisLink, channel: string): void {
    used.subscribe(channel).catch((error: unknown) => used.drop(error));
  }

  /** One connection after the other, for ever. */
  async function keep(onFailure: (failure: RedisFailure) => void): Promise<void> {
    let failures = 0;
    while (!closing.signal.aborted) {
      const wasUp = await live();
      if (closing.signal.aborted) return;
      onFailure(reason);
      failures = wasUp ? 0 : failures + 1;
      const longest = Math.min(longestPause, firstPause * 2 ** Math.min(failures, 10));
      await pause(clock, longest * (0.5 + random() / 2), closing.signal);
    }
  }

  /** From the attempt to connect until the connection is over. Resolves to whether there was one. */
  async function live(): Promise<boolean> {
    let error: unknown;
    let wasUp = false;
    try {
      const opened = await connect();
      if (closing.signal.aborted) opened.drop(undefined);
      link = opened;
      for (const channel of listeners.keys()) subscribe(opened, channel);
      silentBeats = 0;
      arrival.resolve(opened);
      outage.clear();
      wasUp = true;
      error = await opened.lost;
      lostAt = clock.monotonic();
      arrival = Promise.withResolvers<RedisLink>();
    } catch (caught) {
      error = caught;
    }
    link = undefined;
    reason = explainFailure(error, settings);
    if (!closing.signal.aborted) outage.raise(toError(reason, error));
    // A node that is gone may have been replaced: the address of the settings knows more.
    address = reason.movedTo ?? settings.address;
    return wasUp;
  }

  /** Waits for a connection that was lost just now, as in a restart; later it is told at once that there is none. */
  async function find(): Promise<RedisLink> {
    if (link !== undefined) {
      if (silentBeats > 0) throw toError(explainFailure(new RedisSilence(limitMilliseconds), settings));
      return link;
    }
    const left = lostAt + limitMilliseconds - clock.monotonic();
    if (left <= 0 || closing.signal.aborted) throw toError(reason);
    return within(clock, left, arrival.promise).catch(() => {
      throw toError(reason);
    });
  }

  async function ask(words: readonly string[]): Promise<unknown> {
    const found = await find();
    try {
      return await within(clock, limitMilliseconds, found.send(words));
    } catch (error) {
      if (error instanceof RedisSilence) noteSilence(found, error);
      throw error;
    }
  }

  function noteSilence(found: RedisLink, error: RedisSilence): void {
    if (found !== link) return;
    silentBeats = Math.max(1, silentBeats);
    outage.raise(toError(explainFailure(error, settings)));
  }

  async function attempt(work: () => Promise<unknown>): Promise<unknown> {
    const used = link;
    try {
      return await work();
    } catch (error) {
      if (isGatewayError(error)) throw error;
      const failure = explainFailure(error, settings);
      const problem = toError(failure, error);
      if (failure.kind === 'stale') used?.drop(error);
      else if (failure.kind !== 'away') {
        refusedAt = clock.monotonic();
        refusal.raise(problem);
      }
      throw problem;
    }
  }

  let isBeating = false;
  /** Asks for a sign of life, since a dead peer sends none by itself. */
  async function beat(): Promise<void> {
    const current = link;
    if (current === undefined || isBeating) return;
    isBeating = true;
    try {
      await within(clock, limitMilliseconds, current.send(['PING']));
      if (current !== link) return;
      silentBeats = 0;
      outage.clear();
    } catch (error) {
      if (!(error instanceof RedisSilence) || current !== link) return;
      silentBeats += 1;
      noteSilence(current, error);
      if (silentBeats >= mostSilentBeats) current.drop(error);
    } finally {
      isBeating = false;
    }
  }

  const timer = clock.setInterval(() => void beat(), beatMilliseconds);
  const close = (): void => {
    closing.abort();
    timer.cancel();
    link?.drop(undefined);
  };
  const { promise: gaveUp, reject: giveUp } = Promise.withResolvers<never>();
  const limit = clock.setTimeout(() => giveUp(toError(reason)), patience);
  const onFirstFailure = (failure: RedisFailure): void => {
    if (failure.kind === 'refused') giveUp(toError(failure));
  };
  void keep(onFirstFailure);
  try {
    await Promise.race([arrival.promise, gaveUp]);
  } catch (error) {
    close();
    throw error;
  } finally {
    limit.cancel();
  }
  return {
    prefix: settings.prefix,
    send: (words) => attempt(() => ask(words)),
    async run(script, keys, words) {
      const rest = [`${keys.length}`, ...keys, ...words];
      const result = await attempt(async () => {
        try {
          return await ask(['EVALSHA', hash('sha1', script, 'hex'), ...rest]);
        } catch (error) {
          // A server that was restarted has forgotten the script.
          const isUnknown = error instanceof Error && error.message.startsWith('NOSCRIPT');
          if (!isUnknown) throw error;
          return ask(['EVAL', script, ...rest]);
        }
      });
      // A full server takes some writes and not others.
      if (clock.monotonic() - refusedAt > calmMilliseconds) refusal.clear();
      return result;
    },
    listen(channel, onMessage) {
      const own = listeners.get(channel) ?? new Set();
      own.add(onMessage);
      listeners.set(channel, own);
      if (link !== undefined) subscribe(link, channel);
      return () => void own.delete(onMessage);
    },
    async publish(channel, message) {
      await attempt(() => ask(['PUBLISH', `${settings.prefix}${channel}`, message]));
    },
    close,
  };
}

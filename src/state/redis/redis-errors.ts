import { GatewayError } from '../../lib/gateway-error.ts';
import {
  describeAddress,
  describePassword,
  type RedisAddress,
  type RedisSettings,
} from './redis-settings.ts';

/** Why something was not done. */
export interface RedisFailure {
  /**
   * `away`: nothing can be asked; `refused`: the server does not let us in; `stale`: this server is the wrong one to ask, another may be
   * right; `reply`: it answers, and says no.
   */
  readonly kind: 'away' | 'refused' | 'stale' | 'reply';
  /** Without credentials. */
  readonly reason: string;
  readonly hint?: string;
  /** E_STATE_UNREACHABLE when absent. */
  readonly code?: 'E_STATE_VERSION';
  /** The node of the cluster that has our keys. */
  readonly movedTo?: RedisAddress;
}

/** Nothing came back in time. */
export class RedisSilence extends Error {
  constructor(milliseconds: number) {
    super(`it does not answer within ${milliseconds / 1000} s`);
    this.name = 'RedisSilence';
  }
}

/** The server is no use as it is: a replica, or one whose records a newer version wrote. */
export class RedisRefusal extends Error {
  readonly failure: RedisFailure;

  constructor(failure: RedisFailure) {
    super(failure.reason);
    this.name = 'RedisRefusal';
    this.failure = failure;
  }
}

/** What a server that can be written to says instead of a result, by the first word (https://redis.io/docs/latest/develop/reference/protocol-spec/). */
const replies: Readonly<Record<string, Omit<RedisFailure, 'movedTo'>>> = {
  OOM: {
    kind: 'reply',
    reason: 'it is full (`maxmemory` is reached)',
    hint: 'raise `maxmemory` of Redis, and keep `maxmemory-policy noeviction`',
  },
  READONLY: {
    kind: 'stale',
    reason: 'it is a read-only replica',
    hint: 'let `state.redis` name the primary, or a name that follows it',
  },
  MISCONF: {
    kind: 'reply',
    reason: 'it cannot save to its disk and takes no writes',
    hint: 'look at the log and the disk of Redis',
  },
  LOADING: { kind: 'away', reason: 'it is still loading its data' },
  MASTERDOWN: { kind: 'away', reason: 'it is a replica that has lost its primary' },
  CLUSTERDOWN: { kind: 'away', reason: 'its cluster is down' },
  BUSY: { kind: 'away', reason: 'it is busy with the script of another program' },
  NOREPLICAS: { kind: 'reply', reason: 'it takes no writes because too few replicas are there' },
};

const systemErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  ENOTFOUND: 'there is no such host name',
  EAI_AGAIN: 'its name cannot be looked up',
  EHOSTUNREACH: 'there is no way to this host',
  ENETUNREACH: 'there is no way to this network',
  ETIMEDOUT: 'the connection timed out',
  ENOENT: 'there is no such socket',
  EACCES: 'permission denied',
};

/**
 * Says in our words what went wrong. Against leaked passwords: of what the server says only words that cannot hold one are repeated; an old
 * Redis answers `HELLO` with all its arguments.
 */
export function explainFailure(error: unknown, settings: RedisSettings): RedisFailure {
  if (error instanceof RedisRefusal) return error.failure;
  if (error instanceof RedisSilence) return explainSilence(error, settings);
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
  if (code !== undefined) return explainSystemError(code);
  const text = error instanceof Error ? error.message : '';
  const [, word = ''] = /^-?([A-Z]{2,})\b/.exec(text) ?? [];
  if (word === 'MOVED') return explainMove(text, settings);
  if (Object.hasOwn(replies, word)) return replies[word] ?? { kind: 'reply', reason: word };
  if (word === 'WRONGPASS' || word === 'NOAUTH' || /^ERR AUTH|^ERR invalid password/i.test(text)) {
    return explainPassword(word, settings);
  }
  if (word === 'NOPERM') {
    return {
      kind: 'refused',
      reason: 'the user lacks permissions there',
      hint: `allow the user \`~${settings.prefix}*\`, \`&${settings.prefix}*\` and \`+@all -@admin -@dangerous\``,
    };
  }
  if (/unknown command|NOPROTO/i.test(text)) {
    return {
      kind: 'refused',
      reason: 'it is too old',
      hint: 'use Redis 6.2 or later, or Valkey',
    };
  }
  if (/max number of clients/i.test(text)) return { kind: 'away', reason: 'it has too many clients' };
  if (/DB index|SELECT is not allowed/i.test(text)) {
    const reason = `it has no database ${settings.database}`;
    return { kind: 'refused', reason, hint: 'correct the number at the end of `state.redis`' };
  }
  if (text === 'The queue is full') {
    return { kind: 'away', reason: 'too many questions wait for its answers already' };
  }
  if (word !== '') return { kind: 'reply', reason: `it answers ${word}` };
  return { kind: 'away', reason: 'the connection was closed' };
}

/** A GatewayError (E_STATE_UNREACHABLE, or the code of the failure) that names the address, without credentials. */
export function toRedisError(failure: RedisFailure, address: RedisAddress, cause?: unknown): GatewayError {
  const message = `cannot use Redis at ${describeAddress(address)}: ${failure.reason}`;
  return new GatewayError(failure.code ?? 'E_STATE_UNREACHABLE', message, {
    ...(failure.hint === undefined ? {} : { hint: failure.hint }),
    // Logs print causes: what the server said may repeat the password.
    ...(isSystemError(cause) ? { cause } : {}),
  });
}

/** A server without TLS waits for the end of what it takes for a command. */
function explainSilence(error: RedisSilence, { address }: RedisSettings): RedisFailure {
  const failure = { kind: 'away', reason: error.message } as const;
  if (address.kind === 'unix' || !address.secure) return failure;
  return { ...failure, hint: 'look at Redis, and whether it speaks TLS on this port' };
}

function explainSystemError(code: string): RedisFailure {
  if (Object.hasOwn(systemErrors, code)) return { kind: 'away', reason: systemErrors[code] ?? code };
  if (/^ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)/.test(code)) {
    return { kind: 'away', reason: 'it does not speak TLS', hint: 'write `redis://` instead of `rediss://`' };
  }
  if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/.test(code)) {
    return {
      kind: 'refused',
      reason: `its certificate is not trusted (${code})`,
      hint: 'name the root of its certificate in `state.redis.ca`',
    };
  }
  return { kind: 'away', reason: code };
}

function explainPassword(word: string, settings: RedisSettings): RedisFailure {
  const source = describePassword(settings.passwordSource);
  const hasPassword = settings.password !== undefined;
  return {
    kind: 'refused',
    reason:
      word === 'NOAUTH' || !hasPassword ? 'it wants a password' : 'it refuses the user name or password',
    hint: hasPassword ? `correct ${source}` : `name the password in ${source}`,
  };
}

/** `MOVED 3999 127.0.0.1:6381`; without a host it is the one that was asked. */
function explainMove(text: string, { address }: RedisSettings): RedisFailure {
  const [, host = '', port] = /^-?MOVED \d+ (.*):(\d+)$/.exec(text) ?? [];
  const failure = { kind: 'stale', reason: 'another node of the cluster has the keys' } as const;
  if (port === undefined || address.kind === 'unix') return failure;
  return { ...failure, movedTo: { ...address, host: host === '' ? address.host : host, port: Number(port) } };
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'code' in error;
}

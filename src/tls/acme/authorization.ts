import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { IssueError, type IssueRequest } from '../automation/issuer.ts';
import { toCanonicalName } from '../../lib/canonical-name.ts';
import type { AcmeAccount } from './account.ts';
import { authorizationSchema, type Authorization, type Challenge } from './acme-objects.ts';
import type { ChallengeSolver, ChallengeType, PresentedChallenge } from './challenge.ts';
import { poll, type Look } from './poll.ts';
import { toChallengeError } from './problem.ts';
import { parseRetryAfter } from './retry-after.ts';
import { notAcme, parseObject, type AcmeSession } from './signed-requests.ts';

export interface ProofOptions {
  readonly session: AcmeSession;
  readonly account: AcmeAccount;
  readonly solvers: readonly ChallengeSolver[];
  readonly request: IssueRequest;
  /** Milliseconds that the authority has to verify one name. */
  readonly timeout: number;
}

/** An authorization that is still to be proven, and how. */
interface Task {
  readonly url: string;
  readonly challenge: Challenge;
  readonly solver: ChallengeSolver;
  readonly presented: PresentedChallenge;
}

/** Names that are proven at the same time. */
const concurrency = 8;

/** Key authorization as `dns-01` and `tls-alpn-01` show it: SHA-256 (RFC 8555 section 8.4, RFC 8737 section 3). */
export function toKeyAuthorizationDigest(keyAuthorization: string): Buffer {
  return createHash('sha256').update(keyAuthorization).digest();
}

/**
 * Proves every name of an order that the authority does not hold for proven already. When one name fails the others are given
 * up, and their authorizations with them. All answers are taken away again before it settles. Rejects with an IssueError, or
 * what a solver rejects with.
 */
export async function proveNames(options: ProofOptions, urls: readonly string[]): Promise<void> {
  const tasks: Task[] = [];
  for (const url of urls) {
    const task = await planTask(options, url);
    if (task !== undefined) tasks.push(task);
  }
  if (tasks.length === 0) return;
  options.request.onStep('challenge');

  const pending = new Set(tasks);
  const stop = new AbortController();
  const signal = AbortSignal.any([options.session.signal, stop.signal]);
  const queue = groupTasks(tasks).values();
  let failure: { readonly error: unknown } | undefined;
  const work = async (): Promise<void> => {
    for (const group of queue) {
      for (const task of group) {
        if (signal.aborted) return;
        try {
          await prove(options, task, signal);
          pending.delete(task);
        } catch (error) {
          if (failure === undefined) pending.delete(task);
          failure ??= { error };
          stop.abort();
        }
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  options.session.signal.throwIfAborted();
  if (failure === undefined) return;
  await giveUp(options, pending);
  throw failure.error;
}

/**
 * `example.com` and `*.example.com` are proven by the same DNS record, one after the other: whether the user's command adds
 * values or replaces them is not known.
 */
function groupTasks(tasks: readonly Task[]): readonly (readonly Task[])[] {
  return [...Map.groupBy(tasks, ({ presented }) => `${presented.type} ${presented.name}`).values()];
}

async function planTask(options: ProofOptions, url: string): Promise<Task | undefined> {
  const { session, account, request } = options;
  const response = await account.request(url);
  const authorization = parseObject(session.title, authorizationSchema, response);
  const name = toOrderedName(options, authorization);
  if (authorization.status === 'valid') return undefined;
  if (authorization.status !== 'pending') throw toFailure(session.title, authorization, name);
  const { challenge, solver, token } = chooseChallenge(options, authorization, name);
  request.signal.throwIfAborted();
  const keyAuthorization = `${token}.${account.key.thumbprint}`;
  const presented = { type: solver.type, name: name.replace(/^\*\./, ''), token, keyAuthorization };
  return { url, challenge, solver, presented };
}

/** Names go to a user's command and into certificates, so that none but those ordered may come back from the authority. */
function toOrderedName({ session, request }: ProofOptions, authorization: Authorization): string {
  const { identifier, wildcard } = authorization;
  const value = toCanonicalName(identifier.value);
  const name = wildcard === true ? `*.${value}` : value;
  if (request.names.includes(name)) return name;
  throw notAcme(session.title, 'an authorization for a name that was not ordered');
}

/** The first type of the request that is offered for the name and that can be answered here. */
function chooseChallenge(
  { session, request, solvers }: ProofOptions,
  authorization: Authorization,
  name: string,
): { readonly challenge: Challenge; readonly solver: ChallengeSolver; readonly token: string } {
  for (const type of request.challenges) {
    if (!fits(type, name)) continue;
    const solver = solvers.find((candidate) => candidate.type === type);
    const challenge = authorization.challenges.find((candidate) => candidate.type === type);
    if (solver !== undefined && challenge?.token !== undefined) {
      return { challenge, solver, token: challenge.token };
    }
  }
  const offered = authorization.challenges.map(({ type }) => `\`${type}\``).join(', ') || 'nothing';
  const tried = request.challenges.map((type) => `\`${type}\``).join(', ') || 'nothing';
  throw new IssueError(
    'E_ACME_CHALLENGE',
    `${session.title} offers ${offered} to verify \`${name}\`; possible here: ${tried}`,
    name.startsWith('*.') ? { hint: 'wildcard names are verified through DNS: set `tls.acme.dns`' } : {},
  );
}

/** Wildcards are verified through DNS only, addresses never (RFC 8555 section 7.1.3, RFC 8738 section 7). */
function fits(type: ChallengeType, name: string): boolean {
  if (name.startsWith('*.')) return type === 'dns-01';
  return isIP(name) === 0 || type !== 'dns-01';
}

async function prove(options: ProofOptions, task: Task, signal: AbortSignal): Promise<void> {
  const { session, account, timeout } = options;
  const { solver, presented, challenge, url } = task;
  try {
    await solver.present(presented, signal);
    if (challenge.status === 'pending') await account.request(challenge.url, {});
    await poll({
      clock: session.clock,
      signal,
      timeout,
      subject: `verifying \`${presented.name}\` at ${session.title}`,
      look: async (): Promise<Look<undefined>> => {
        const response = await account.request(url);
        const authorization = parseObject(session.title, authorizationSchema, response);
        if (authorization.status === 'valid') return { kind: 'done', value: undefined };
        if (authorization.status !== 'pending') {
          throw toFailure(session.title, authorization, presented.name);
        }
        const retryAfter = parseRetryAfter(response.headers['retry-after'], session.clock.now());
        return { kind: 'wait', retryAfter };
      },
    });
  } finally {
    await solver.remove(presented);
  }
}

function toFailure(title: string, authorization: Authorization, name: string): IssueError {
  const failed = authorization.challenges.find(({ error }) => error !== undefined);
  const over = failed === undefined ? '' : ` over ${failed.type}`;
  return toChallengeError(failed?.error, { title, verdict: `could not verify \`${name}\`${over}` });
}

/**
 * Open authorizations count against limits (RFC 8555 section 7.5.2). That the authority does not take them back changes
 * nothing about the failure that is reported, and they expire by themselves.
 */
async function giveUp({ account }: ProofOptions, tasks: Iterable<Task>): Promise<void> {
  for (const { url } of tasks) {
    try {
      await account.request(url, { status: 'deactivated' });
    } catch {
      return;
    }
  }
}

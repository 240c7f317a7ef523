import { parseJson } from '../../lib/json.ts';
import { toPrintableLine } from '../../lib/printable.ts';
import { IssueError, type IssueErrorCode } from '../automation/issuer.ts';
import type { AcmeHttpResponse } from './acme-http.ts';
import { problemSchema, type Problem } from './acme-objects.ts';
import { parseRetryAfter } from './retry-after.ts';

/** Characters of the authority's own words in a message. */
const longestDetail = 400;
const prefix = 'urn:ietf:params:acme:error:';

/** A refusal in the words of the authority. */
export class ProblemError extends IssueError {
  /** The name of the problem without its prefix, such as `badNonce` (RFC 8555 section 6.7). */
  readonly problem: string;

  constructor(
    problem: string,
    parts: {
      readonly code: IssueErrorCode;
      readonly message: string;
      readonly options: { hint?: string; retryAfter?: number };
    },
  ) {
    super(parts.code, parts.message, parts.options);
    this.problem = problem;
  }
}

export interface ProblemContext {
  /** The authority, for people. */
  readonly title: string;
  /** What was asked of it, such as `refuses the order`: it follows the title. */
  readonly verdict: string;
  readonly retryAfter?: number | undefined;
}

/** The problem document of an answer, if it is one. */
export function parseProblem(response: AcmeHttpResponse): Problem | undefined {
  if (!/^application\/(problem\+)?json\b/i.test(response.headers['content-type'] ?? '')) return undefined;
  const parsed = problemSchema.safeParse(parseJson(response.body));
  return parsed.success ? parsed.data : undefined;
}

/** What an answer of status 300 or more means for the order. `now` is wall-clock milliseconds. */
export function toResponseError(
  response: AcmeHttpResponse,
  context: Omit<ProblemContext, 'retryAfter'>,
  now: number,
): IssueError {
  const retryAfter = parseRetryAfter(response.headers['retry-after'], now);
  const problem = parseProblem(response);
  const known = problem !== undefined && toErrorCode(problem) !== undefined;
  if (problem !== undefined && (known || response.status < 500)) {
    return toProblemError(problem, { ...context, retryAfter });
  }
  const options = retryAfter === undefined ? {} : { retryAfter };
  if (response.status === 429) {
    return new IssueError('E_ACME_RATE_LIMITED', `${context.title} answers 429 Too Many Requests`, options);
  }
  const detail = problem?.detail === undefined ? '' : `: ${toPrintableLine(problem.detail, longestDetail)}`;
  const what = problem === undefined ? ' without a reason in the form of ACME' : detail;
  return new IssueError('E_ACME_UNREACHABLE', `${context.title} answers ${response.status}${what}`, options);
}

/** A problem document as the error that renewal acts on. */
export function toProblemError(problem: Problem, context: ProblemContext): ProblemError {
  const code = toErrorCode(problem) ?? 'E_ACME_REFUSED';
  return new ProblemError(toName(problem.type), {
    code,
    message: `${context.title} ${context.verdict}: ${describe(problem)}`,
    options: {
      ...(context.retryAfter === undefined ? {} : { retryAfter: context.retryAfter }),
      ...(code === 'E_ACME_TERMS' && problem.instance !== undefined
        ? { hint: `open ${toPrintableLine(problem.instance, 200)} and do what it asks` }
        : {}),
    },
  });
}

/** Why a name was not verified. Most reasons are about what the validator found at the name, whatever their type. */
export function toChallengeError(problem: Problem | undefined, context: ProblemContext): IssueError {
  if (problem === undefined) {
    return new IssueError('E_ACME_CHALLENGE', `${context.title} ${context.verdict} and gives no reason`);
  }
  const error = toProblemError(problem, context);
  const kept = toName(problem.type) === 'unauthorized' ? undefined : toErrorCode(problem);
  return kept === undefined
    ? new ProblemError(error.problem, { code: 'E_ACME_CHALLENGE', message: error.message, options: {} })
    : error;
}

/** Undefined for types that say nothing of their own, such as `malformed`. */
function toErrorCode(problem: Problem): IssueErrorCode | undefined {
  switch (toName(problem.type)) {
    case 'rateLimited':
      return 'E_ACME_RATE_LIMITED';
    case 'rejectedIdentifier':
    case 'unsupportedIdentifier':
    case 'caa':
    case 'badCSR':
    case 'invalidProfile':
    case 'unauthorized':
      return 'E_ACME_REFUSED';
    case 'externalAccountRequired':
    case 'invalidContact':
    case 'unsupportedContact':
    case 'accountDoesNotExist':
      return 'E_ACME_ACCOUNT';
    case 'userActionRequired':
      return 'E_ACME_TERMS';
    case 'connection':
    case 'dns':
    case 'tls':
    case 'incorrectResponse':
      return 'E_ACME_CHALLENGE';
    case 'serverInternal':
    case 'badNonce':
      return 'E_ACME_UNREACHABLE';
    case 'orderNotReady':
      return 'E_ACME_STUCK';
    case 'compound':
      return (problem.subproblems ?? []).map(toErrorCode).find((code) => code !== undefined);
    default:
      return undefined;
  }
}

function toName(type: string): string {
  return type.startsWith(prefix) ? type.slice(prefix.length) : type;
}

/** The authority's words are foreign text: nothing in them may reach a terminal as a command. */
function describe(problem: Problem): string {
  const parts = [problem.detail ?? toName(problem.type)];
  for (const { identifier, detail, type } of problem.subproblems ?? []) {
    parts.push(`${identifier === undefined ? '' : `${identifier.value}: `}${detail ?? toName(type)}`);
  }
  return toPrintableLine(parts.join('; '), longestDetail);
}

import { createWorkQueue } from '../../lib/work-queue.ts';
import type { Exchange, ExchangeName, HttpFacts, Target } from '../facts.ts';
import { isFromServer } from '../reading.ts';
import { createConnection } from './connection.ts';
import type { Asked } from './exchange.ts';
import {
  askAfterDelete,
  askAround,
  askCall,
  askDelete,
  askInitialize,
  askInitialized,
  askModern,
  askSession,
  askStream,
  askToolsList,
  askVariations,
  type NamedQuestion,
  type QuestionContext,
} from './named-questions.ts';
import { QuestionRun } from './question-run.ts';
import type { Peer } from './question.ts';

export interface GatherHttpOptions {
  readonly target: Target;
  readonly peer: Peer;
  readonly version: string;
  readonly httpPort: number | undefined;
  /** Header fields of the user's credential; `undefined` when there is none, or the peer has not proved who it is. */
  readonly credential: Readonly<Record<string, string>> | undefined;
  /** Milliseconds for a head, and for a body. */
  readonly deadline: number;
  /** Milliseconds for everything but the quiet stream and the tool. */
  readonly budget: number;
  readonly idle: number | undefined;
  readonly call: string | undefined;
  /** Is told what goes on, for progress. */
  readonly report: (what: string) => void;
}

/** At the same time: an endpoint is asked some seventy questions, and is not to take them for a flood. */
const atATime = 6;
/** How long a stream is watched unless the user wants more: enough to see whether its head comes. */
const glance = 700;
/** The head of a stream has nothing to wait for. */
const streamHead = 2000;
const affinityCalls = 6;
const persistentCalls = 20;
/** Longest that a tool may take. */
const callDeadline = 30_000;
/** Longest that the ending of sessions may take. */
const tidying = 3000;
/** Where servers of MCP usually are. */
const usualPaths = ['/mcp', '/mcp/', '/', '/sse', '/api/mcp', '/v1/mcp'];

/** Asks everything that HTTP can tell. Never rejects; what was not reached within the budget is absent. */
export async function gatherHttp(options: GatherHttpOptions): Promise<HttpFacts> {
  const { target, version, httpPort, idle, call, report } = options;
  const context: QuestionContext = { target, origin: new URL(target.url).origin, version, httpPort };
  const run = new QuestionRun({ ...options, queue: createWorkQueue(atATime) });
  const { exchanges } = run;

  report('asking `initialize`');
  const initialized = await run.note(askInitialize(context));
  if (initialized?.exchange.outcome !== 'answered') {
    await run.noteAll(askAround(context).filter(({ name }) => isAboutTheHost(name)));
    return { exchanges, elsewhere: [], affinity: [], persistent: [] };
  }
  const { status, rpc } = initialized.exchange.answer;
  const session = initialized.sessionId;
  const steps: Steps = { run, context, session };

  report('asking as other callers would');
  await run.noteAll([...askVariations(context), ...askModern(context), ...askAround(context)]);

  report('asking within one session');
  const isLegacy = rpc?.kind === 'result';
  if (isLegacy) await run.note(askInitialized(context, session));
  const [, , affinity, persistent] = await Promise.all([
    isLegacy ? run.noteAll(askSession(context, session)) : undefined,
    isLegacy ? watchStreams(steps) : undefined,
    isLegacy ? run.askAll(times(affinityCalls, (id) => askToolsList(context, session, 20 + id))) : [],
    callOnOneConnection(steps, isLegacy ? askToolsList(context, session, 50) : askInitialize(context)),
  ]);
  let quiet: Exchange | undefined;
  if (idle !== undefined && isLegacy) {
    report(`watching a quiet stream for ${Math.round(idle / 1000)} s`);
    quiet = await watchQuietStream(steps, { idle, deadline: options.deadline });
  }
  if (call !== undefined && isLegacy) {
    report(`calling \`${call}\``);
    exchanges.call = await run.askBesideBudget(askCall(context, session, call), callDeadline);
  }
  const elsewhere = await lookElsewhere(steps, status);
  await endSessions(steps, isLegacy ? session : undefined);

  return {
    exchanges,
    elsewhere,
    ...(session === undefined
      ? {}
      : { session: { length: session.length, visible: /^[\x21-\x7e]+$/.test(session) } }),
    affinity: toExchanges(affinity),
    persistent: toExchanges(persistent),
    ...(quiet === undefined ? {} : { quiet }),
  };
}

/** What the questions behind `initialize` are asked with. */
interface Steps {
  readonly run: QuestionRun;
  readonly context: QuestionContext;
  /** The one that `initialize` began; `undefined` where it began none. */
  readonly session: string | undefined;
}

async function watchStreams({ run, context, session }: Steps): Promise<void> {
  await run.note(askStream(context, session, { name: 'stream', watch: glance, deadline: streamHead }));
  if (context.target.secure)
    await run.note(askStream(context, session, { name: 'stream-h2', watch: glance, deadline: streamHead }));
}

async function callOnOneConnection(
  { run, context }: Steps,
  question: NamedQuestion,
): Promise<readonly (Asked | undefined)[]> {
  const connection = createConnection(context.target.secure);
  const answers: (Asked | undefined)[] = [];
  for (let made = 0; made < persistentCalls; made++)
    answers.push(await run.ask(question, { connection, whole: true }));
  connection.close();
  return answers;
}

/** On top of the budget, since the user said for how long. */
async function watchQuietStream(
  { run, context, session }: Steps,
  { idle, deadline }: { readonly idle: number; readonly deadline: number },
): Promise<Exchange> {
  // A session of its own: many servers allow one stream a session, and the front may not have let go of the last one.
  const begun = await run.ask(askInitialize(context));
  const own = begun?.sessionId ?? session;
  await run.ask(askInitialized(context, own));
  return run.askBesideBudget(askStream(context, own, { name: 'stream', watch: idle }), deadline);
}

async function lookElsewhere({ run, context }: Steps, status: number): Promise<readonly string[]> {
  if (status !== 404 && status !== 405) return [];
  const paths = usualPaths.filter((path) => path !== context.target.path);
  const found = await run.askAll(paths.map((path) => ({ ...askInitialize(context), path })));
  return paths.filter((_path, index) => {
    const asked = found[index]?.exchange;
    return asked?.outcome === 'answered' && isFromServer(asked.answer);
  });
}

/** What was begun only to ask is ended again, even where the questions have used up their time. What `noted` says to it is a fact. */
async function endSessions({ run, context }: Steps, noted: string | undefined): Promise<void> {
  run.extend(tidying);
  if (noted !== undefined) {
    await run.note(askDelete(context, noted));
    await run.note(askAfterDelete(context, noted));
    run.sessions.delete(noted);
  }
  await run.askAll([...run.sessions].map((id) => askDelete(context, id)));
}

function isAboutTheHost(name: ExchangeName): boolean {
  return ['plain-get', 'plain-post', 'plain-on-tls', 'root', 'unknown-path'].includes(name);
}

function toExchanges(asked: readonly (Asked | undefined)[]): readonly Exchange[] {
  return asked.flatMap((each) => (each === undefined ? [] : [each.exchange]));
}

function times<T>(count: number, build: (index: number) => T): readonly T[] {
  return Array.from({ length: count }, (_, index) => build(index));
}

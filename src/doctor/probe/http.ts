import { createWorkQueue } from '../../lib/work-queue.ts';
import type { Exchange, ExchangeName, HttpFacts, Target } from '../facts.ts';
import { isFromServer } from '../reading.ts';
import { createConnection } from './connection.ts';
import { exchange, type Asked } from './exchange.ts';
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
import type { Peer, Question } from './question.ts';

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
  const { target, peer, version, httpPort, report } = options;
  const origin = new URL(target.url).origin;
  const context: QuestionContext = { target, origin, version, httpPort };
  let until = performance.now() + options.budget;
  const queue = createWorkQueue(atATime);
  const exchanges: Partial<Record<ExchangeName, Exchange>> = {};
  const sessions = new Set<string>();

  function withCredential({
    credential,
    name: _name,
    ...question
  }: NamedQuestion): Omit<Question, 'deadline'> {
    return credential ? { ...question, fields: { ...options.credential, ...question.fields } } : question;
  }

  /** Asks in its turn, unless there is no time left. What was asked is waited for: an answer that is given up may have begun a session. */
  function ask(question: NamedQuestion, extra: Partial<NamedQuestion> = {}): Promise<Asked | undefined> {
    return queue.run(async () => {
      if (performance.now() >= until) return undefined;
      const { deadline = options.deadline } = question;
      const asked = await exchange(peer, {
        ...withCredential({ ...question, ...extra }),
        deadline: Math.min(deadline, options.deadline),
      });
      if (asked.sessionId !== undefined) sessions.add(asked.sessionId);
      return asked;
    });
  }
  const askAll = (questions: readonly NamedQuestion[]): Promise<readonly (Asked | undefined)[]> =>
    Promise.all(questions.map((question) => ask(question)));

  /** What the user asked to wait for takes nothing from the budget. */
  async function besideBudget(question: NamedQuestion, deadline: number): Promise<Exchange> {
    const started = performance.now();
    const asked = await exchange(peer, { ...withCredential(question), deadline });
    until += performance.now() - started;
    return asked.exchange;
  }

  /** Asks, and writes the answer down. */
  async function note(question: NamedQuestion): Promise<Asked | undefined> {
    const asked = await ask(question);
    if (asked !== undefined) exchanges[question.name] = asked.exchange;
    return asked;
  }

  const noteAll = (questions: readonly NamedQuestion[]): Promise<unknown> => Promise.all(questions.map(note));

  report('asking `initialize`');
  const initialized = await note(askInitialize(context));
  if (initialized?.exchange.outcome !== 'answered') {
    await noteAll(askAround(context).filter(({ name }) => isAboutTheHost(name)));
    return { exchanges, elsewhere: [], affinity: [], persistent: [] };
  }
  const session = initialized.sessionId;
  const rpc = initialized.exchange.answer.rpc;

  report('asking as other callers would');
  await noteAll([...askVariations(context), ...askModern(context), ...askAround(context)]);

  report('asking within one session');
  const isLegacy = rpc?.kind === 'result';
  if (isLegacy) await note(askInitialized(context, session));
  const [, , affinity, persistent] = await Promise.all([
    isLegacy ? noteAll(askSession(context, session)) : undefined,
    watchStreams(),
    askAll(isLegacy ? times(affinityCalls, (id) => askToolsList(context, session, 20 + id)) : []),
    callOnOneConnection(isLegacy ? askToolsList(context, session, 50) : askInitialize(context)),
  ]);
  const quiet = await watchQuietStream();
  const { call } = options;
  if (call !== undefined && isLegacy) {
    report(`calling \`${call}\``);
    exchanges.call = await besideBudget(askCall(context, session, call), callDeadline);
  }
  const elsewhere = await lookElsewhere(initialized.exchange.answer.status);

  // What was begun only to ask is ended again, even where the questions have used up their time.
  until = Math.max(until, performance.now() + tidying);
  if (isLegacy && session !== undefined) {
    await note(askDelete(context, session));
    await note(askAfterDelete(context, session));
    sessions.delete(session);
  }
  await askAll([...sessions].map((id) => askDelete(context, id)));

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

  async function watchStreams(): Promise<void> {
    if (!isLegacy) return;
    await note(askStream(context, session, { name: 'stream', watch: glance, deadline: streamHead }));
    if (target.secure)
      await note(askStream(context, session, { name: 'stream-h2', watch: glance, deadline: streamHead }));
  }

  async function callOnOneConnection(question: NamedQuestion): Promise<readonly (Asked | undefined)[]> {
    const connection = createConnection(target.secure);
    const answers: (Asked | undefined)[] = [];
    for (let made = 0; made < persistentCalls; made++)
      answers.push(await ask(question, { connection, whole: true }));
    connection.close();
    return answers;
  }

  /** On top of the budget, since the user said for how long. */
  async function watchQuietStream(): Promise<Exchange | undefined> {
    const { idle } = options;
    if (idle === undefined || !isLegacy) return undefined;
    report(`watching a quiet stream for ${Math.round(idle / 1000)} s`);
    // A session of its own: many servers allow one stream a session, and the front may not have let go of the last one.
    const begun = await ask(askInitialize(context));
    const own = begun?.sessionId ?? session;
    await ask(askInitialized(context, own));
    return besideBudget(askStream(context, own, { name: 'stream', watch: idle }), options.deadline);
  }

  async function lookElsewhere(status: number): Promise<readonly string[]> {
    if (status !== 404 && status !== 405) return [];
    const paths = usualPaths.filter((path) => path !== target.path);
    const found = await askAll(paths.map((path) => ({ ...askInitialize(context), path })));
    return paths.filter((_path, index) => {
      const asked = found[index]?.exchange;
      return asked?.outcome === 'answered' && isFromServer(asked.answer);
    });
  }
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

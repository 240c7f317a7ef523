import type { ConnectTarget, ToolCall } from './interop-client.ts';
import {
  resolvePackageFile,
  startServerProgram,
  toCheckoutPath,
  toProgramPath,
  type Program,
  type ServerCommand,
  type ServerProgram,
} from './programs.ts';

/** What a client and a server do together in one cell of the matrix. */
export const scenarios = [
  'list',
  'call',
  'progress',
  'elicitation',
  'sampling',
  'notification',
  'listen',
  'session end',
] as const;
export type Scenario = (typeof scenarios)[number];
export type CallScenario = Exclude<Scenario, 'list' | 'listen' | 'session end'>;

export type Era = 'legacy' | 'modern';
/** Scenarios that a program cannot take part in, and why. */
export type Lacks = { readonly [scenario in Scenario]?: string };

export interface Exercise {
  readonly tool: ToolCall;
  /** What the result's text contains. */
  readonly expected: string;
  /** The progress heard at least, from the first step on. */
  readonly progress?: readonly number[];
}

/** A real MCP server behind the gateway. */
export interface Upstream {
  readonly name: string;
  readonly transport: ConnectTarget['transport'];
  /** The path of its endpoint, and the one it gets in public. */
  readonly path: '/mcp' | '/sse';
  readonly eras: readonly Era[];
  readonly exercises: { readonly [scenario in CallScenario]?: Exercise };
  /** The notification that the exercise `notification` makes it send of its own accord. */
  readonly announcement: string;
  /** What it answers to a session that was ended. */
  readonly deadSessionStatus: number;
  readonly lacks: Lacks;
  /** The program to run it with, when npm does not bring it. */
  readonly program: Program | undefined;
  start(): Promise<ServerProgram>;
}

const fixtureExercises = {
  call: { tool: { name: 'echo', arguments: { message: 'hi' } }, expected: 'Just echo: hi' },
  progress: {
    tool: { name: 'count', arguments: { steps: 3 } },
    expected: 'Counted to 3',
    progress: [1, 2, 3],
  },
  elicitation: { tool: { name: 'ask_name', arguments: {} }, expected: 'Hello, Ada!' },
  sampling: { tool: { name: 'ask_model', arguments: { prompt: 'hi' } }, expected: 'Model: said the model' },
  notification: { tool: { name: 'announce', arguments: {} }, expected: 'Announced' },
} satisfies Upstream['exercises'];
const everythingExercises = {
  call: { tool: { name: 'echo', arguments: { message: 'hi' } }, expected: 'Echo: hi' },
  progress: {
    tool: { name: 'trigger-long-running-operation', arguments: { duration: 0.15, steps: 3 } },
    expected: 'Long running operation completed',
    // The last step and the result come together, and the SDK's clients may then forget the step (directly, too).
    progress: [1, 2],
  },
  elicitation: { tool: { name: 'trigger-elicitation-request', arguments: {} }, expected: '- Name: Ada' },
  sampling: {
    tool: { name: 'trigger-sampling-request', arguments: { prompt: 'hi' } },
    expected: 'said the model',
  },
  notification: { tool: { name: 'toggle-simulated-logging', arguments: {} }, expected: 'simulated' },
} satisfies Upstream['exercises'];

const recipeHasNone = 'the recipe’s server has nothing but echo';
const noSubscriptions = 'FastMCP 4.1 does not know subscriptions/listen';
const noDelete = 'a session of HTTP+SSE ends with its stream, without DELETE';

/** All servers of the matrix. */
export function buildUpstreams(python: Program): readonly Upstream[] {
  const runPython = (script: string, ...more: readonly string[]): Promise<ServerProgram> =>
    startServerProgram((port) => ({
      command: toProgramPath(python),
      args: [toCheckoutPath(script), String(port), ...more],
      // Neither a banner nor a question to the package index at every start.
      env: { FASTMCP_SHOW_SERVER_BANNER: 'false', FASTMCP_CHECK_FOR_UPDATES: 'off' },
    }));
  const fixture = {
    transport: 'streamable-http',
    path: '/mcp',
    eras: ['legacy', 'modern'],
    exercises: fixtureExercises,
    announcement: 'notifications/tools/list_changed',
    deadSessionStatus: 404,
    lacks: {},
    program: undefined,
  } as const;
  const everything = {
    ...fixture,
    eras: ['legacy'],
    exercises: everythingExercises,
    announcement: 'notifications/message',
    // It takes a session it does not know for none at all.
    deadSessionStatus: 400,
  } as const;
  const sse = {
    transport: 'http-sse',
    path: '/sse',
    lacks: { 'session end': noDelete },
  } as const;
  return [
    {
      ...fixture,
      name: 'the recipe’s echo server on FastMCP',
      exercises: { call: fixtureExercises.call },
      lacks: {
        progress: recipeHasNone,
        elicitation: recipeHasNone,
        sampling: recipeHasNone,
        notification: recipeHasNone,
        listen: recipeHasNone,
      },
      program: python,
      start: () => runPython('examples/echo-server/server.py'),
    },
    {
      ...fixture,
      name: 'FastMCP',
      lacks: { listen: noSubscriptions },
      program: python,
      start: () => runPython('test/fixtures/interop/fastmcp-server.py'),
    },
    {
      ...fixture,
      name: 'TypeScript server 2.4',
      start: () =>
        startServerProgram(toNodeCommand(toCheckoutPath('test/fixtures/interop/typescript-server.ts'))),
    },
    {
      ...everything,
      name: 'server-everything',
      start: () => startServerProgram(toEverythingCommand('streamableHttp')),
    },
    {
      ...fixture,
      ...sse,
      name: 'FastMCP over HTTP+SSE',
      lacks: { ...sse.lacks, listen: noSubscriptions },
      program: python,
      start: () => runPython('test/fixtures/interop/fastmcp-server.py', 'sse'),
    },
    {
      ...everything,
      ...sse,
      name: 'server-everything over HTTP+SSE',
      start: () => startServerProgram(toEverythingCommand('sse')),
    },
  ];
}

/** Starts one of them by its name. */
export function startUpstream(python: Program, wanted: string): Promise<ServerProgram> {
  const upstream = buildUpstreams(python).find(({ name }) => name === wanted);
  if (upstream === undefined) throw new Error(`there is no ${wanted} in the matrix`);
  return upstream.start();
}

function toNodeCommand(script: string): (port: number) => ServerCommand {
  return (port) => ({ command: process.execPath, args: [script, String(port)] });
}

function toEverythingCommand(mode: 'sse' | 'streamableHttp'): (port: number) => ServerCommand {
  const script = resolvePackageFile('@modelcontextprotocol/server-everything/dist/index.js');
  return (port) => ({ command: process.execPath, args: [script, mode], env: { PORT: String(port) } });
}

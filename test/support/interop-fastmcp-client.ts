import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { NotificationLog, type ConnectTarget, type InteropClient } from './interop-client.ts';
import { stopProgram, toCheckoutPath } from './programs.ts';

const greetingLine = z.object({ revision: z.string(), session: z.string().nullable() });
const heardLine = z.object({ heard: z.string() });
const answerLine = z.object({ id: z.number(), result: z.unknown().optional(), error: z.string().optional() });
const outcome = z.object({ text: z.string(), progress: z.array(z.number()) });

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** FastMCP's client, in a process of its own that is driven over stdio. */
export async function connectFastmcp(
  python: string,
  target: ConnectTarget,
  mode: 'auto' | 'legacy',
): Promise<InteropClient> {
  const script = toCheckoutPath('test/fixtures/interop/fastmcp-client.py');
  const child = spawn(python, [script, target.url.href, mode], {
    env: { ...process.env, SSL_CERT_FILE: target.caFile, FASTMCP_LOG_ENABLED: 'false' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const notifications = new NotificationLog();
  const waiting = new Map<number, Waiting>();
  let printed = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    printed = (printed + text).slice(-10_000);
  });
  let isClosed = false;
  const greeting = Promise.withResolvers<z.infer<typeof greetingLine>>();
  const gone = Promise.withResolvers<undefined>();
  child.once('exit', () => {
    const error = new Error(`the FastMCP client ended:\n${printed}`);
    greeting.reject(error);
    for (const { reject } of waiting.values()) reject(error);
    isClosed = true;
    gone.resolve(undefined);
  });
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line: unknown = JSON.parse(text);
    const greeted = greetingLine.safeParse(line);
    const heard = heardLine.safeParse(line);
    const answer = answerLine.safeParse(line);
    if (greeted.success) greeting.resolve(greeted.data);
    else if (heard.success) notifications.add(heard.data.heard);
    else if (answer.success) {
      const { id, result, error } = answer.data;
      if (error === undefined) waiting.get(id)?.resolve(result);
      else waiting.get(id)?.reject(new Error(error));
      waiting.delete(id);
    }
  });
  let lastId = 0;
  const send = (command: Readonly<Record<string, unknown>>): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      child.stdin.write(`${JSON.stringify({ ...command, id })}\n`);
    });
  /** The client ends its session when it is closed in order. */
  const leave = async (): Promise<void> => {
    if (isClosed) return;
    child.stdin.write('{"do":"close"}\n');
    await gone.promise;
  };
  const { revision, session } = await greeting.promise;
  return {
    revision,
    sessionId: session ?? undefined,
    notifications,
    listTools: async () => z.array(z.string()).parse(await send({ do: 'list' })),
    call: async (tool) => outcome.parse(await send({ do: 'call', ...tool })),
    async listen() {
      await send({ do: 'listen' });
      return async () => void (await send({ do: 'unlisten' }));
    },
    endSession: leave,
    close: () => stopProgram(child),
  };
}

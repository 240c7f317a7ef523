import { connect } from 'node:tls';
import { connectH2Frames } from '../../support/h2-frames-client.ts';
import { buildHeaders } from '../../support/h2-frames.ts';
import type { ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { markName, type AccessCase } from './access-case.ts';

export interface Front {
  readonly port: number;
  readonly ca: string;
}

export interface Upstreams {
  readonly open: ScriptedUpstream;
  readonly guarded: ScriptedUpstream;
}

const AT_ONCE = 16;
const PATIENCE_MILLISECONDS = 5000;

/** Puts all cases to a front and resolves with those that went wrong, each with what happened. */
export async function putAll(
  cases: readonly AccessCase[],
  front: Front,
  upstreams: Upstreams,
): Promise<readonly string[]> {
  upstreams.open.forget();
  upstreams.guarded.forget();
  const statuses: number[] = [];
  let next = 0;
  const putOneByOne = async (): Promise<void> => {
    for (let index = next++; index < cases.length; index = next++) {
      const each = cases[index];
      if (each !== undefined) statuses[index] = await putOne(each, front, index);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, putOneByOne));
  return cases.flatMap((each, index) => {
    const problem = judge(each, index, { status: statuses[index] ?? 0, upstreams });
    return problem === undefined ? [] : [`${each.name}: ${problem}`];
  });
}

/** Status of the answer; 400 for a reset, 0 for none. */
async function putOne(
  { request, servername = 'localhost', from, before = [] }: AccessCase,
  front: Front,
  index: number,
): Promise<number> {
  const { port, ca } = front;
  const where = { port, ca, servername, ...(from === undefined ? {} : { localAddress: from }) };
  if (typeof request !== 'string') {
    using client = await connectH2Frames(where);
    client.send(buildHeaders(1, [...request, [markName, String(index)]]));
    const { status, reset } = await client.answer();
    return reset === undefined ? (status ?? 0) : 400;
  }
  const lineEnd = request.indexOf('\r\n') + 2;
  const marked = `${request.slice(0, lineEnd)}${markName}: ${index}\r\n${request.slice(lineEnd)}`;
  return new Promise((resolve) => {
    let received = '';
    const socket = connect({
      host: '127.0.0.1',
      ...where,
      ALPNProtocols: ['http/1.1'],
      // Server names that nobody has get whatever certificate there is.
      rejectUnauthorized: false,
    });
    const readStatus = (): string | undefined =>
      [...received.matchAll(/HTTP\/1\.1 (\d{3}) [^]*?\r\n\r\n/g)][before.length]?.[1];
    const finish = (): void => {
      resolve(Number(readStatus() ?? 0));
      socket.destroy();
    };
    socket.setTimeout(PATIENCE_MILLISECONDS, finish);
    socket.on('secureConnect', () => void socket.write(Buffer.from([...before, marked].join(''), 'latin1')));
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1');
      if (readStatus() !== undefined) finish();
    });
    socket.on('error', finish);
    socket.on('close', finish);
  });
}

/** What went wrong with a case, or `undefined`. */
function judge(
  { status, forwarded, hasKey = false }: AccessCase,
  index: number,
  got: { readonly status: number; readonly upstreams: Upstreams },
): string | undefined {
  const mark = `\r\n${markName}: ${index}\r\n`;
  const isMine = ({ head }: { readonly head: string }): boolean => `${head}\r\n`.toLowerCase().includes(mark);
  const guarded = got.upstreams.guarded.requests.filter(isMine);
  const seen = [...got.upstreams.open.requests.filter(isMine), ...guarded];
  if (guarded.length > 0 && !hasKey) return 'the protected upstream was reached without its key';
  if (got.status !== status) return `${got.status} in place of ${status}`;
  if (forwarded === undefined) return seen.length === 0 ? undefined : 'it was forwarded';
  const lines = (seen[0]?.head ?? '').split('\r\n').slice(1);
  const found = lines
    .filter((line) => !line.startsWith('host: ') && !line.startsWith(`${markName}: `))
    .toSorted();
  return seen.length === 1 && found.join('\n') === forwarded.join('\n')
    ? undefined
    : `the upstream saw ${JSON.stringify(found)}`;
}

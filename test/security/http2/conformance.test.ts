import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordEvidence } from '../../support/evidence.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway-process.ts';
import { connectH2Frames, type Verdict } from '../../support/h2-frames-client.ts';
import { buildFrame, flags, frameTypes } from '../../support/h2-frames.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { controlCases } from './conformance-control.ts';
import { framingCases } from './conformance-framing.ts';
import { toEngineCase } from './executable-engine.ts';
import { startLenientFront } from './lenient-front.ts';

const cases = [...framingCases, ...controlCases].map(toEngineCase);

interface Server {
  readonly port: number;
  readonly ca: string;
}

/** What a server makes of a case. */
async function put(server: Server, { bytes, expected, opening }: ConformanceCase): Promise<Verdict> {
  const { port, ca } = server;
  using client = await connectH2Frames({ port, ca, ...(opening === undefined ? {} : { opening }) });
  client.send(bytes);
  return expected.kind === 'served' ? await client.answer() : await client.verdict();
}

function conforms({ expected }: ConformanceCase, { status, reset, goaway }: Verdict): boolean {
  switch (expected.kind) {
    case 'connection-error':
      return goaway !== undefined && (goaway === -1 || expected.codes.includes(goaway));
    case 'stream-error':
      if (goaway !== undefined) return goaway === -1 || expected.codes.includes(goaway);
      return (reset !== undefined && expected.codes.includes(reset)) || (status ?? 0) >= 400;
    case 'served':
      return status === 200 && goaway === undefined;
    case 'tolerated':
      return goaway === undefined;
    case 'discarded':
      return status === undefined;
  }
}

describe(`HTTP/2 as RFC 9113 and RFC 7541 want it: ${cases.length} cases`, () => {
  let upstream: ScriptedUpstream;
  let gateway: GatewayProcess;
  const failed: string[] = [];
  beforeAll(async () => {
    upstream = await startScriptedUpstream(answerJson('{}'));
    gateway = await startGatewayProcess({ upstreamPort: upstream.port });
  });
  afterAll(async () => {
    await gateway.clean();
    await upstream.stop();
  });

  it.each(cases.map((each) => [each.name, each] as const))('%s', async (name, each) => {
    const verdict = await put(gateway, each);
    if (!conforms(each, verdict)) failed.push(name);
    expect(conforms(each, verdict), JSON.stringify({ expected: each.expected, verdict })).toBe(true);
  });

  it('6.5.3 acknowledges SETTINGS, and 6.7 answers PING with the same bytes', async () => {
    using client = await connectH2Frames(gateway);
    const payload = Buffer.from('conforms');
    client.send(buildFrame('ping', { payload }));
    const isAck = (type: number) => (frame: { type: number; flags: number }) =>
      frame.type === type && (frame.flags & flags.ack) !== 0;
    const pong = await client.find((frames) => frames.find(isAck(frameTypes.ping)));
    expect(pong?.payload.equals(payload)).toBe(true);
    expect(await client.find((frames) => frames.find(isAck(frameTypes.settings)))).toMatchObject({
      stream: 0,
    });
  });

  it('leaves nothing behind: the gateway has nothing to complain of and still serves', async () => {
    using client = await connectH2Frames(gateway);
    expect((await client.verdict()).goaway).toBeUndefined();
    expect(gateway.complaints).toBe('');
  });

  it('control: a server that takes everything fails each case that must end something', async () => {
    await using front = await startLenientFront(upstream.port);
    const errors = cases.filter(({ expected }) => expected.kind.endsWith('-error'));
    const missed: string[] = [];
    for (const each of errors) if (conforms(each, await put(front, each))) missed.push(each.name);
    expect(errors.length).toBeGreaterThan(50);
    expect(missed).toEqual([]);
    const exceptions = cases.filter(({ exception }) => exception !== undefined);
    recordEvidence({
      id: 'T25-conformance',
      title: 'HTTP/2 conformance, RFC 9113 and RFC 7541',
      cases: cases.length,
      failures: failed.length,
      figures: {
        'listed exceptions': exceptions.map(({ name, exception }) => `${name}: ${exception}`).join('; '),
      },
      control: `a server that takes everything failed ${errors.length - missed.length} of ${errors.length}`,
    });
  });
});

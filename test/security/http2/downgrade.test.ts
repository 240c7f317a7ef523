import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordEvidence } from '../../support/evidence.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway-process.ts';
import { connectH2Frames } from '../../support/h2-frames-client.ts';
import { buildFrame, buildHeaders, flags } from '../../support/h2-frames.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { downgradeCases, plainHead, type DowngradeCase } from './downgrade-cases.ts';
import { startLenientFront } from './lenient-front.ts';

interface Outcome {
  readonly kind: 'refused' | 'passed' | 'ignored';
  /** Requests that reached the upstream, as text. */
  readonly forwarded: readonly string[];
}

/** Sends one case to a server and looks at what its upstream got. */
async function put(
  server: { readonly port: number; readonly ca: string },
  upstream: ScriptedUpstream,
  { fields, body, outcome }: DowngradeCase,
): Promise<Outcome> {
  upstream.forget();
  using client = await connectH2Frames({ port: server.port, ca: server.ca });
  client.send(buildHeaders(1, fields, { endStream: body === undefined }));
  if (body !== undefined) {
    client.send(buildFrame('data', { flags: flags.endStream, stream: 1, payload: Buffer.from(body) }));
  }
  const { status, reset, goaway } = await (outcome === 'dropped' ? client.answer() : client.verdict());
  const forwarded = upstream.bytes === '' ? [] : [upstream.bytes];
  if (reset !== undefined || goaway !== undefined || (status ?? 0) >= 400)
    return { kind: 'refused', forwarded };
  return { kind: status === undefined ? 'ignored' : 'passed', forwarded };
}

/** The request of `plainHead` as the gateway writes it, and nothing else. */
const plainRequest = new RegExp(
  [
    '^GET /mcp HTTP/1\\.1',
    'host: 127\\.0\\.0\\.1:\\d+',
    'x-forwarded-for: 127\\.0\\.0\\.1',
    'x-forwarded-proto: https',
    'x-forwarded-host: localhost',
    'x-real-ip: 127\\.0\\.0\\.1',
    'forwarded: for=127\\.0\\.0\\.1;host=localhost;proto=https',
    '\\r\\n$',
  ].join('\\r\\n'),
);

function isHarmless(each: DowngradeCase, { kind, forwarded }: Outcome): boolean {
  if (kind === 'refused') return forwarded.length === 0;
  if (each.outcome === 'refused' || kind === 'ignored') return false;
  return forwarded.length === 1 && plainRequest.test(forwarded[0] ?? '');
}

describe(`downgrade-injection (A5): ${downgradeCases.length} heads no HTTP/2 library sends`, () => {
  let upstream: ScriptedUpstream;
  let gateway: GatewayProcess;
  const failed: string[] = [];
  let refused = 0;
  beforeAll(async () => {
    upstream = await startScriptedUpstream(answerJson('{}'));
    gateway = await startGatewayProcess({ upstreamPort: upstream.port });
  });
  afterAll(async () => {
    await gateway.clean();
    await upstream.stop();
  });

  it.each(downgradeCases.map((each) => [`${each.name}: ${each.outcome}`, each] as const))(
    '%s',
    async (name, each) => {
      const outcome = await put(gateway, upstream, each);
      if (outcome.kind === 'refused') refused++;
      if (!isHarmless(each, outcome)) failed.push(name);
      expect(isHarmless(each, outcome), JSON.stringify(outcome)).toBe(true);
    },
  );

  it('control: the same without a trick is forwarded with its field', async () => {
    const fields = [...plainHead, ['x-injected', 'a'] as const];
    const outcome = await put(gateway, upstream, { name: 'no trick', fields, outcome: 'dropped' });
    expect(outcome.kind).toBe('passed');
    expect(outcome.forwarded[0]).toContain('\r\nx-injected: a\r\n');
    expect(gateway.complaints).toBe('');
  });

  it('control: a front that believes everything lets every one of them through', async () => {
    await using front = await startLenientFront(upstream.port);
    const held: string[] = [];
    for (const each of downgradeCases) {
      if (isHarmless(each, await put(front, upstream, each))) held.push(each.name);
    }
    expect(held).toEqual([]);
    recordEvidence({
      id: 'T25-downgrade',
      title: 'HTTP/2 downgrade injection',
      cases: downgradeCases.length,
      failures: failed.length,
      figures: {
        refused,
        'passed without the field': downgradeCases.length - refused,
        'injected fields at the upstream': failed.length,
      },
      control: `a front that believes everything let through ${downgradeCases.length - held.length}`,
    });
  });
});

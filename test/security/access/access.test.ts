import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKey, toKeyHash } from '../../../src/auth/api-key.ts';
import { recordEvidence } from '../../support/evidence.ts';
import { startGatewayProcess, type GatewayProcess } from '../../support/gateway-process.ts';
import { answerJson, startScriptedUpstream } from '../../support/scripted-upstream.ts';
import {
  allowedOrigin,
  buildRequest,
  domain,
  expectForwarded,
  extraHost,
  protectedPath,
  publicPath,
  trustedAddress,
  type AccessAttack,
  type AccessCase,
} from './access-case.ts';
import { forwardedCases } from './forwarded-cases.ts';
import { hostCases } from './host-cases.ts';
import { startNaiveFront } from './naive-front.ts';
import { buildNominationCases } from './nomination-cases.ts';
import { originCases } from './origin-cases.ts';
import { pathCases } from './path-cases.ts';
import { putAll, type Upstreams } from './put.ts';

const key = createKey();
const matrix: readonly (readonly [AccessAttack, string, readonly AccessCase[]])[] = [
  ['path', 'path-confusion (A8)', pathCases],
  ['nomination', 'hop-by-hop nomination (A9, CVE-2025-48865)', buildNominationCases(key)],
  ['forwarded', 'forwarded-spoofing (A10)', forwardedCases],
  ['host', 'host-confusion (A11)', hostCases],
  ['origin', 'dns-rebinding (A12)', originCases],
];
const total = matrix.reduce((sum, [, , cases]) => sum + cases.length, 0);

async function startUpstreams(): Promise<Upstreams & AsyncDisposable> {
  const open = await startScriptedUpstream(answerJson('{}'));
  const guarded = await startScriptedUpstream(answerJson('{}'));
  return {
    open,
    guarded,
    [Symbol.asyncDispose]: async () => void (await Promise.all([open.stop(), guarded.stop()])),
  };
}

function startGateway(
  { open, guarded }: Upstreams,
  config: Record<string, unknown> = {},
): Promise<GatewayProcess> {
  return startGatewayProcess({
    upstreamPort: open.port,
    config: {
      domains: [domain],
      hosts: [extraHost],
      origins: [allowedOrigin],
      trusted_proxies: [trustedAddress],
      routes: [
        { path: publicPath, upstream: `http://127.0.0.1:${open.port}/mcp` },
        {
          path: protectedPath,
          upstream: `http://127.0.0.1:${guarded.port}/mcp`,
          auth: { keys: [{ name: 'test', sha256: toKeyHash(key) }] },
        },
      ],
      ...config,
    },
  });
}

describe(`access matrix: ${total} requests that try to get past a rule`, () => {
  let upstreams: Upstreams & AsyncDisposable;
  let gateway: GatewayProcess;
  const failures: string[] = [];
  beforeAll(async () => {
    upstreams = await startUpstreams();
    gateway = await startGateway(upstreams);
  });
  afterAll(async () => {
    await gateway.clean();
    await upstreams[Symbol.asyncDispose]();
  });

  it.each(matrix)('%s: %s', async (_attack, _title, cases) => {
    const wrong = await putAll(cases, gateway, upstreams);
    failures.push(...wrong);
    expect(wrong).toEqual([]);
    expect(gateway.complaints).toBe('');
  });

  it('control: with its key the protected route is served, and its upstream does not see the key', async () => {
    const served: AccessCase = {
      attack: 'path',
      name: 'the protected path with its key',
      request: buildRequest({ target: protectedPath, fields: `Authorization: Bearer ${key}\r\n` }),
      status: 200,
      forwarded: expectForwarded(),
      hasKey: true,
    };
    expect(await putAll([served], gateway, upstreams)).toEqual([]);
    expect(upstreams.guarded.requests).toHaveLength(1);
    expect(upstreams.guarded.bytes).not.toContain(key);
  });

  it('control: a naive front and a gateway whose guards are opened fail each part of it', async () => {
    const missed = new Map<AccessAttack, number>();
    {
      await using front = await startNaiveFront(upstreams, key);
      for (const [attack, , cases] of matrix) {
        // Every fifth will do; HTTP/2 is nothing this front speaks.
        const sample = cases.filter(({ request }, index) => index % 5 === 0 && typeof request === 'string');
        const wrong = await putAll(sample, front, upstreams);
        missed.set(attack, wrong.length);
        if (attack === 'path') expect(wrong.join('\n')).toContain('was reached without its key');
      }
    }
    for (const [attack, count] of missed) expect([attack, count > 10]).toEqual([attack, true]);

    const opened = await startGateway(upstreams, {
      hosts: [extraHost, 'evil.example', '127.0.0.2'],
      origins: [allowedOrigin, 'https://evil.example', 'http://app.example.com'],
      trusted_proxies: ['127.0.0.0/8'],
    });
    const openedFailures = new Map<AccessAttack, number>();
    for (const [attack, , cases] of matrix.slice(2)) {
      // A proxy that is trusted by mistake is believed in this one field.
      const sample =
        attack === 'forwarded' ? cases.filter(({ name }) => name.startsWith('X-Forwarded-For ')) : cases;
      openedFailures.set(attack, (await putAll(sample, opened, upstreams)).length);
    }
    await opened.clean();
    for (const [attack, count] of openedFailures) expect([attack, count > 2]).toEqual([attack, true]);

    recordEvidence({
      id: 'T2',
      title: 'Access matrix: paths, nominations, forwarded fields, Host, Origin',
      cases: total,
      failures: failures.length,
      figures: Object.fromEntries(matrix.map(([attack, , cases]) => [`${attack} cases`, cases.length])),
      control:
        `a naive front failed ${toText(missed)} of every fifth case; ` +
        `the gateway with guards opened by configuration failed ${toText(openedFailures)}`,
    });
  });
});

function toText(counts: ReadonlyMap<AccessAttack, number>): string {
  return [...counts].map(([attack, count]) => `${attack} ${count}`).join(', ');
}

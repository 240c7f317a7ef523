import { createLocalJWKSet, jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { loadJwks } from '../../src/auth/outbound/signing-keys.ts';
import type { UpstreamCredentialsConfig } from '../../src/config/config.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createSecretFiles } from '../../src/state/secret-files.ts';
import { buildCall } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, startRig } from '../support/rig.ts';
import { answerJson } from '../support/scripted-upstream.ts';
import { buildTwoCallers } from '../support/two-callers.ts';

const { auth, alice, bob } = buildTwoCallers(['read']);
const answer = answerJson('{}');
const publicUrl = 'https://mcp.example.com';
const call = (fields: string): string => buildPost(buildCall(), { fields });

function fieldsOf(head: string, name: string): readonly string[] {
  return head
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(`${name}: `))
    .map((line) => line.slice(name.length + 2));
}

describe('what an upstream is shown of the caller', () => {
  it('token-passthrough: is nothing of what the caller showed', async () => {
    await using rig = await startRig({ answer, auth });
    await rig.ask(call(alice));
    expect(fieldsOf(rig.upstream.requests[0]?.head ?? '', 'authorization')).toEqual([]);
  });

  it('is one header, whatever a client sends under its name', async () => {
    const credentials: UpstreamCredentialsConfig = {
      kind: 'header',
      name: 'x-upstream-key',
      value: 'the-secret-of-the-upstream',
      valueSource: { kind: 'environment', name: 'UPSTREAM_KEY' },
    };
    await using rig = await startRig({ answer, auth, credentials });
    for (const forged of ['', 'X-Upstream-Key: mine\r\n', 'x-upstream-key: a\r\nX-UPSTREAM-KEY: b\r\n']) {
      await rig.ask(call(alice + forged));
      expect(fieldsOf(rig.upstream.requests.at(-1)?.head ?? '', 'x-upstream-key')).toEqual([
        'the-secret-of-the-upstream',
      ]);
    }
  });

  it('is a token of the gateway about this caller and no other, also on a kept connection', async () => {
    const credentials: UpstreamCredentialsConfig = { kind: 'jwt', audience: undefined, lifetime: 60_000 };
    await using rig = await startRig({ answer, auth, credentials, changes: { publicUrl } });
    const client = await rig.connect();
    for (const fields of [alice, alice, bob, bob, alice, alice]) {
      client.clear();
      client.send(call(fields).replace('Host: localhost', 'Host: mcp.example.com'));
      await receive(client);
    }
    const keys = createLocalJWKSet(
      await loadJwks(createSecretFiles(rig.gateway.stateDir, systemClock), systemClock),
    );
    const tokens = rig.upstream.requests.map(({ head }) => fieldsOf(head, 'authorization')[0] ?? '');
    const subjects: unknown[] = [];
    for (const token of tokens) {
      const { payload } = await jwtVerify(token.replace('Bearer ', ''), keys, {
        issuer: publicUrl,
        audience: `http://127.0.0.1:${rig.upstream.port}/mcp`,
      });
      subjects.push(payload.sub);
      expect(payload['scope']).toBe('read');
    }
    expect(subjects).toEqual(['key:alice', 'key:alice', 'key:bob', 'key:bob', 'key:alice', 'key:alice']);
    expect(new Set(tokens).size).toBe(2);
  });

  it('fails closed: a token that cannot be exchanged is no call without one, and the reason stays here', async () => {
    const credentials: UpstreamCredentialsConfig = {
      kind: 'exchange',
      tokenEndpoint: 'http://127.0.0.1:9/token',
      clientId: 'gateway',
      clientSecret: 'secret-of-the-gateway',
      clientSecretSource: { kind: 'environment', name: 'SECRET' },
      audience: undefined,
      scopes: [],
    };
    await using rig = await startRig({ answer, auth, credentials });
    const refused = await rig.ask(call(alice));
    expect(refused.status).toBe(502);
    expect(refused.body).toContain('E_UPSTREAM_CREDENTIALS');
    expect(refused.body).not.toMatch(/127\.0\.0\.1|secret-of|token endpoint/);
    expect(rig.upstream.requests).toHaveLength(0);
    expect(rig.gateway.problems.join()).toContain('there are no credentials for the MCP server');
  });
});

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { UpstreamCredentialsConfig } from '../../src/config/config.ts';
import { toRule } from '../auth/rules/callers.ts';
import { buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { startRig } from '../support/rig.ts';
import { answerJson } from '../support/scripted-upstream.ts';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts';

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.stop());

/** A text that stands nowhere else. */
const plant = (name: string): string => `planted-${name}-5f2c9e`;
const secrets = [
  'key',
  'api-key',
  'basic',
  'cookie',
  'session',
  'event-id',
  'query',
  'accept',
  'argument',
  'uri',
  'param',
  'origin',
  'forwarded',
  'user-agent',
  'upstream-header',
  'upstream-body',
  'upstream-error',
  'credential',
  'referer',
  'host',
].map(plant);

it('secret-leak: of twenty planted secrets none gets into a record, a log line or an answer of our own', async () => {
  const token = await issuer.issue({ sub: 'alice', scope: 'none' });
  const credentials: UpstreamCredentialsConfig = {
    kind: 'header',
    name: 'x-upstream-key',
    value: plant('credential'),
    valueSource: { kind: 'environment', name: 'UPSTREAM_KEY' },
  };
  await using rig = await startRig({
    auth: issuer.auth(),
    credentials,
    rules: [
      toRule('allow', { tools: ['echo'] }),
      toRule('allow', { methods: ['resources/read'], scopes: ['more'] }),
    ],
    answer: answerJson(`{"error":"${plant('upstream-error')} ${plant('upstream-body')}"`),
    changes: { publicUrl: 'https://mcp.example.com' },
  });
  const good = `Authorization: Bearer ${token}\r\n`;
  const noise =
    `Cookie: s=${plant('cookie')}\r\nReferer: https://${plant('referer')}/\r\nAccept-Language: ${plant('accept')}\r\nUser-Agent: ${plant('user-agent')}\r\nX-Forwarded-For: ${plant('forwarded')}\r\n` +
    `Mcp-Param-Key: ${plant('param')}\r\n`;
  const body = (method: string, params: object): string =>
    JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const echo = body('tools/call', { name: 'echo', arguments: { message: plant('argument') } });
  const requests = [
    buildPost(echo, { fields: good + noise }),
    buildPost(echo, { fields: `Authorization: Bearer ${plant('key')}\r\n${noise}` }),
    buildPost(echo, { fields: `X-API-Key: ${plant('api-key')}\r\n` }),
    buildPost(echo, { fields: `Authorization: Basic ${plant('basic')}\r\n` }),
    buildPost(echo, { fields: `${good}Mcp-Session-Id: ${plant('session')}\r\n` }),
    buildPost(echo, { path: `/mcp?token=${plant('query')}`, fields: good }),
    buildPost(body('resources/read', { uri: `file:///${plant('uri')}` }), { fields: good }),
    buildPost(body('tools/list', {}), { fields: good }),
    buildPost('{"jsonrpc":"2.0"', { fields: good }),
    buildGet({ fields: `${good}Last-Event-ID: ${plant('event-id')}\r\n` }),
    buildPost(echo, { fields: `${good}Origin: https://${plant('origin')}.example.org\r\n` }),
  ].map((request) => request.replace('Host: localhost', 'Host: mcp.example.com'));
  const own: string[] = [];
  for (const request of [
    ...requests,
    `POST / HTTP/1.1\r\nHost: ${plant('host')}.example.org\r\nContent-Length: 0\r\n\r\n`,
  ]) {
    const { status, body: text, fields } = await rig.ask(request);
    if (status !== 200) own.push(text, JSON.stringify(fields));
  }
  const told = JSON.stringify([rig.gateway.lines, rig.gateway.problems, own]);
  for (const secret of [...secrets, token, token.split('.')[1] ?? ''])
    expect(told, secret).not.toContain(secret);
  // Control: what is no secret is told.
  expect(told).toContain('alice');
  expect(own.length).toBeGreaterThan(8);
  expect(rig.gateway.lines.length).toBe(requests.length + 1);
});

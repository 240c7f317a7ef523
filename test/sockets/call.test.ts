import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { buildPost, connectRaw } from '../support/raw-client.ts';
import { answerJson, startScriptedUpstream, type ScriptedUpstream } from '../support/scripted-upstream.ts';

const call =
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hi"}}}';
const result = '{"jsonrpc":"2.0","id":1,"result":{"content":[]}}';

describe('a call over HTTP/1.1', () => {
  let upstream: ScriptedUpstream;
  let gateway: TestGateway;

  beforeEach(async () => {
    upstream = await startScriptedUpstream(answerJson(result));
    gateway = await startTestGateway({ upstreamPort: upstream.port });
  });
  afterEach(async () => {
    await gateway.stop();
    await upstream.stop();
  });

  it('reaches the upstream afresh and comes back', async () => {
    const client = await connectRaw(gateway);
    client.send(buildPost(call, { fields: 'Origin: https://localhost\r\nX-Forwarded-For: 6.6.6.6\r\n' }));
    const answer = await client.until((text) => text.includes(result));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const [request] = upstream.requests;
    expect(request?.body).toBe(call);
    expect(request?.head.split('\r\n')).toEqual([
      'POST /mcp HTTP/1.1',
      `host: 127.0.0.1:${upstream.port}`,
      'content-type: application/json',
      'accept: application/json, text/event-stream',
      'x-forwarded-for: 127.0.0.1',
      'x-forwarded-proto: https',
      'x-forwarded-host: localhost',
      'x-real-ip: 127.0.0.1',
      'forwarded: for=127.0.0.1;host=localhost;proto=https',
      `content-length: ${call.length}`,
    ]);
    client.socket.destroy();
  });

  it('keeps both connections for the next call, pipelined or not', async () => {
    const client = await connectRaw(gateway);
    client.send(buildPost(call) + buildPost(call) + buildPost(call));
    await client.until((text) => text.split(result).length === 4);
    client.send(buildPost(call));
    await client.until((text) => text.split(result).length === 5);
    expect(upstream.connections).toBe(1);
    expect(gateway.lines).toHaveLength(4);
    client.socket.destroy();
  });

  it('takes a body in pieces and in chunks', async () => {
    const client = await connectRaw(gateway);
    for (const byte of buildPost(call)) client.send(byte);
    await client.until((text) => text.includes(result));
    client.clear();
    client.send(
      `POST /mcp/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n` +
        `5\r\n${call.slice(0, 5)}\r\n${(call.length - 5).toString(16)}\r\n${call.slice(5)}\r\n0\r\n\r\n`,
    );
    await client.until((text) => text.includes(result));
    expect(upstream.requests[1]?.body).toBe(call);
    expect(upstream.requests[1]?.head).toMatch(/^POST \/mcp HTTP/);
    client.socket.destroy();
  });
});

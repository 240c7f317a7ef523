import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toRule } from '../auth/rules/callers.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { buildCall, buildGet } from '../support/messages.ts';
import { buildPost } from '../support/raw-client.ts';
import { receive, startRig, type Rig, type RigOptions } from '../support/rig.ts';
import { answerJson, eventStreamHead } from '../support/scripted-upstream.ts';
import { startTokenIssuer, type TokenIssuer } from '../support/token-issuer.ts';

let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = await startTokenIssuer();
});
afterAll(() => issuer.stop());

const metadataUrl = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp';
const bearer = (token: string): string => `Authorization: Bearer ${token}\r\n`;
/** Requests go to the public name. */
const toPublic = (request: string): string => request.replace('Host: localhost', 'Host: mcp.example.com');

function start(options: RigOptions = {}): Promise<Rig> {
  return startRig({
    answer: answerJson('{}'),
    auth: issuer.auth(),
    ...options,
    changes: { publicUrl: 'https://mcp.example.com', ...options.changes },
  });
}

function call(rig: Rig, token?: string): ReturnType<Rig['ask']> {
  return rig.ask(
    toPublic(buildPost(buildCall({ id: 5 }), { fields: token === undefined ? '' : bearer(token) })),
  );
}

describe('a route that takes tokens', () => {
  it('leads whoever has none to the metadata, and no error', async () => {
    await using rig = await start();
    const refused = await call(rig);
    expect(refused.status).toBe(401);
    expect(refused.field('www-authenticate')).toBe(`Bearer resource_metadata="${metadataUrl}"`);
    expect(JSON.parse(refused.body)).toMatchObject({ error: { data: { reason: 'E_AUTH_REQUIRED' } } });
  });

  it.each(['/mcp', '/mcp/', ''])(
    'says at its well-known place%s who issues tokens, to every origin',
    async (path) => {
      await using rig = await start();
      const fields = 'Origin: https://inspector.example.org\r\n';
      const request = `GET /.well-known/oauth-protected-resource${path} HTTP/1.1\r\nHost: mcp.example.com\r\n${fields}\r\n`;
      const answer = await rig.ask(request);
      expect(answer.status).toBe(200);
      expect(answer.field('access-control-allow-origin')).toBe('*');
      expect(JSON.parse(answer.body)).toEqual({
        resource: 'https://mcp.example.com/mcp',
        authorization_servers: [issuer.issuer],
        scopes_supported: ['read', 'write'],
        bearer_methods_supported: ['header'],
      });
    },
  );

  it('asks the issuer for scopes by their long names, and finds the short ones in tokens', async () => {
    const auth = issuer.auth({ scopes: ['read', 'offline_access', 'write'], requiredScopes: ['read'] });
    const oauth = auth.kind === 'required' ? auth.oauth : undefined;
    const issuers = oauth?.issuers.map((each) => ({ ...each, scopePrefix: 'api://app/' })) ?? [];
    await using rig = await start({ auth: issuer.auth({ ...oauth, issuers }) });
    const request = 'GET /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: mcp.example.com\r\n\r\n';
    // `offline_access` is never told, whatever would stand before it.
    expect(JSON.parse((await rig.ask(request)).body)).toMatchObject({
      scopes_supported: ['api://app/read', 'api://app/write'],
    });
    expect((await call(rig)).field('www-authenticate')).toContain('scope="api://app/read"');
    expect((await call(rig, await issuer.issue({ scope: 'read' }))).status).toBe(200);
    expect((await call(rig, await issuer.issue({ scope: 'write' }))).status).toBe(403);
  });

  it('host-spoofing: metadata and challenge never come from what a request says', async () => {
    await using rig = await start();
    const forged =
      'X-Forwarded-Host: evil.example.net\r\nX-Forwarded-Proto: http\r\nForwarded: host=evil.example.net\r\n';
    const answer = await rig.ask(toPublic(buildPost(buildCall(), { fields: forged })));
    expect(answer.field('www-authenticate')).toContain(metadataUrl);
    const elsewhere = `GET /.well-known/oauth-protected-resource HTTP/1.1\r\nHost: evil.example.net\r\n\r\n`;
    expect((await rig.ask(elsewhere)).status).toBe(421);
  });

  it('lets good ones in, and the server sees nothing of them', async () => {
    await using rig = await start();
    const token = await issuer.issue();
    const client = await rig.connect();
    for (let turn = 0; turn < 3; turn++) {
      client.clear();
      client.send(toPublic(buildPost(buildCall(), { fields: bearer(token) })));
      expect((await receive(client)).status).toBe(200);
    }
    expect(rig.upstream.bytes.toLowerCase()).not.toContain('authorization');
    expect(rig.upstream.bytes).not.toContain(token);
    expect(rig.gateway.lines.map((line) => line['principal'])).toEqual(['alice', 'alice', 'alice']);
  });

  it('audience-confusion, expiry, forgery: refuses others and says which, without a word of the token', async () => {
    await using rig = await start();
    const good = await issuer.issue();
    for (const [token, why] of [
      [await issuer.issue({ aud: 'https://mcp.example.com/other' }), 'another resource'],
      [await issuer.issue({ exp: 1 }), 'expired'],
      [await issuer.issue({ iss: 'https://id.example.org' }), 'issuer'],
      [`${good.slice(0, -8)}AAAAAAAA`, 'signature'],
      ['opaque', 'malformed'],
    ] as const) {
      const refused = await call(rig, token);
      expect(refused.status).toBe(401);
      expect(refused.field('www-authenticate')).toMatch(/error="invalid_token"/);
      expect(refused.field('www-authenticate')).toContain(why);
      expect(JSON.stringify(refused)).not.toContain(token);
    }
    expect(rig.upstream.requests).toHaveLength(0);
  });

  it('speaks of a key, and not of a signature, to whoever sends a wrong one', async () => {
    await using rig = await start();
    const refused = await rig.ask(toPublic(buildPost(buildCall(), { fields: 'X-API-Key: wrong\r\n' })));
    expect(refused.status).toBe(401);
    expect(refused.field('www-authenticate')).toContain(
      'error="invalid_token", error_description="the key is not known, or no longer"',
    );
  });

  it('step-up: names all scopes of the operation at once', async () => {
    const rules = [toRule('allow', { tools: ['echo'], scopes: ['read', 'write'] })];
    await using rig = await start({ auth: issuer.auth({ requiredScopes: ['base'] }), rules });
    const lacking = await call(rig, await issuer.issue({ scope: 'read' }));
    expect(lacking.status).toBe(403);
    expect(lacking.field('www-authenticate')).toBe(
      `Bearer error="insufficient_scope", scope="base", resource_metadata="${metadataUrl}"`,
    );
    const short = await call(rig, await issuer.issue({ scope: 'base read' }));
    expect(short.status).toBe(403);
    expect(short.field('www-authenticate')).toBe(
      `Bearer error="insufficient_scope", scope="base read write", resource_metadata="${metadataUrl}"`,
    );
    expect((await call(rig, await issuer.issue({ scope: 'base read write' }))).status).toBe(200);
    expect(rig.upstream.requests).toHaveLength(1);
  });

  it('answers 503 while nobody can tell, and asks its issuer once for many callers', async () => {
    await using rig = await start();
    const before = issuer.fetches;
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_none, at) => issuer.issue({ sub: `user-${at}` })),
    );
    const answers = await Promise.all(tokens.map((token) => call(rig, token)));
    expect(answers.map(({ status }) => status)).toEqual(tokens.map(() => 200));
    expect(issuer.fetches - before).toBe(1);
    const gone = await startTokenIssuer();
    await using other = await start({ auth: gone.auth() });
    const token = await gone.issue();
    await gone.stop();
    const answer = await call(other, token);
    expect(answer.status).toBe(503);
    expect(answer.body).toContain('E_AUTH_UNAVAILABLE');
  });

  it('expiry: ends an open stream within a second', async () => {
    const clock = new ManualClock(Date.now());
    await using rig = await start({ clock, answer: ({ socket }) => socket.write(eventStreamHead) });
    const now = Math.floor(clock.now() / 1000);
    const client = await rig.connect();
    client.send(toPublic(buildGet({ fields: bearer(await issuer.issue({ iat: now, exp: now + 60 })) })));
    await client.until((text) => text.includes('text/event-stream'));
    clock.advance(59_000);
    // Control: it stays as long as the token counts.
    expect(rig.gateway.gateway.load.exchanges).toBe(1);
    clock.advance(2000);
    await expect.poll(() => rig.gateway.gateway.load.exchanges).toBe(0);
  });
});

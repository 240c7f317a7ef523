import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestCertificate } from '../support/certificates.ts';
import { createTrustingFetch, type TrustingFetch } from '../support/interop-fetch.ts';
import { startLoginRig, type LoginRig } from '../support/login-rig.ts';
import { startNameServer, type NameServer } from '../support/name-server.ts';
import { createRememberingProvider, type RememberingProvider } from '../support/remembering-provider.ts';

/** Documents are fetched from public addresses on port 443 alone: for as long as the test runs, this machine has one. */
const ADDRESS = '93.184.216.34';
/** Where the gateway looks for their hosts. */
const NAME_SERVER = '127.0.0.9';
const host = 'client.example.com';
const isRoot = process.getuid?.() === 0;

let directory: string;
let documents: Server;
let names: NameServer;
let rig: LoginRig;
let trusting: TrustingFetch;
/** Paths of documents that were asked for. */
const asked: string[] = [];

function ip(verb: 'replace' | 'del'): void {
  execFileSync('ip', ['address', verb, `${ADDRESS}/32`, 'dev', 'lo']);
}

beforeAll(async () => {
  if (!isRoot) return;
  directory = await mkdtemp(join(tmpdir(), 'breakwater-document-'));
  ip('replace');
  const { cert, key } = await createTestCertificate({ names: [host] });
  const { redirectUrl } = createRememberingProvider('desk');
  documents = createServer({ cert, key }, (request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        // The second document says that it is the first.
        client_id: `https://${host}/desk.json`,
        client_name: 'Desk',
        redirect_uris: [redirectUrl],
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
      }),
    );
  });
  await new Promise<void>((resolve) => documents.listen(443, ADDRESS, resolve));
  names = await startNameServer({ [host]: [ADDRESS] }, { host: NAME_SERVER, port: 53 });
  const servers = join(directory, 'resolv.conf');
  await writeFile(servers, `nameserver ${NAME_SERVER}\n`);
  const ca = join(directory, 'ca.pem');
  await writeFile(ca, cert);
  const mounted = `mount --bind ${servers} /etc/resolv.conf && exec "$@"`;
  rig = await startLoginRig({
    wrapper: ['unshare', '-m', 'env', `NODE_EXTRA_CA_CERTS=${ca}`, 'sh', '-c', mounted, 'sh'],
  });
  trusting = createTrustingFetch({ ca: rig.gateway.ca, protocol: 'h1' });
}, 60_000);
afterAll(async () => {
  if (!isRoot) return;
  await trusting.close();
  await rig.close();
  documents.closeAllConnections();
  await new Promise((resolve) => documents.close(resolve));
  ip('del');
  await names[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

function withDocument(path: string): RememberingProvider {
  const provider = createRememberingProvider('desk');
  return Object.assign(provider, { clientMetadataUrl: `https://${host}${path}` });
}

const build = (provider: RememberingProvider): StreamableHTTPClientTransport =>
  new StreamableHTTPClientTransport(rig.url, { authProvider: provider, fetch: trusting.fetch });
const identity = { name: 'access', version: '1.0.0' };

describe.runIf(isRoot)('a client that is known by a document on the web', () => {
  it('logs alice in without a registration, and calls', async () => {
    const provider = withDocument('/desk.json');
    await expect(new Client(identity).connect(build(provider))).rejects.toThrow();
    const { authorization } = provider;
    if (authorization === undefined) throw new Error('the client did not ask for a login');
    expect(authorization.searchParams.get('client_id')).toBe(`https://${host}/desk.json`);
    const back = await rig.approve(authorization);
    await build(provider).finishAuth(back.searchParams);
    const client = new Client(identity);
    await client.connect(build(provider));
    const { content } = await client.callTool({ name: 'echo', arguments: { message: 'hi' } });
    expect(content).toMatchObject([{ text: 'Just echo: hi' }]);
    await client.close();
    expect(asked).toContain('/desk.json');
  });

  it('client-impersonation: a document that says it is another one opens nothing', async () => {
    const provider = withDocument('/other.json');
    await expect(new Client(identity).connect(build(provider))).rejects.toThrow();
    const answer = await trusting.fetch(provider.authorization ?? '', { redirect: 'manual' });
    expect(asked).toContain('/other.json');
    expect(answer.status).toBe(400);
    expect(answer.headers.get('location')).toBeNull();
  });
});

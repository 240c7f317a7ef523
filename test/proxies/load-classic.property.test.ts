import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Front, FrontRoute, FrontUpstream } from '../../src/render/front.ts';
import { createTestCertificate } from '../support/certificates.ts';
import { programsAreMandatory, toProgramPath } from '../support/programs.ts';
import { createEngineFolder, findEngine, wrapApacheSite } from '../support/proxy-engine.ts';
import { breakwaterFront, directFront, fullFront } from '../render/sample-fronts.ts';
import { renderers } from './rig.ts';

/** The program that tests a file starts anew each time. */
const runs = 40;
const startLimitMs = 20_000;

/** Engines that find names of servers when they start; these are there without asking anybody. */
const host = fc.constantFrom('127.0.0.1', 'localhost', '127.0.0.2');
const label = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const name = fc.oneof(
  fc.tuple(label, label).map(([one, two]) => `${one}.${two}.example`),
  label.map((each) => `*.${each}.example`),
  fc.constantFrom('192.0.2.1', '2001:db8::1'),
);
const fileNames = [
  'cert.pem',
  'two words.pem',
  "it's.pem",
  'a"b.pem',
  '#x.pem',
  '$HOME.pem',
  'ü.pem',
  '*.pem',
  '{x}.pem',
  'a;b.pem',
];
const path = fc
  .stringMatching(/^\/[A-Za-z0-9\-._~!$&'()*+,=:@;%]{1,12}$/)
  .filter((text) => !/^\/\.{1,2}$/.test(text));

type Classic = 'nginx' | 'haproxy' | 'apache';

function buildFronts(engine: Classic, folder: string): fc.Arbitrary<Front> {
  const ca = join(folder, 'cert.pem');
  return fc.constantFrom('direct' as const, 'front' as const).chain((mode) => {
    const most = engine === 'apache' ? 1 : 3;
    const servers: fc.Arbitrary<readonly FrontUpstream[]> =
      mode === 'front'
        ? fc.constant([
            { kind: 'tcp', secure: true, host: '127.0.0.1', port: 8443, path: '/mcp', ca, weight: 1 },
          ])
        : fc
            .record({
              path,
              secure: fc.boolean(),
              hosts: fc.uniqueArray(host, { minLength: 1, maxLength: most }),
            })
            .map((group) =>
              group.hosts.map((each, index) => ({
                kind: 'tcp' as const,
                secure: group.secure,
                host: each,
                port: 8000,
                path: group.path,
                ca: group.secure ? ca : undefined,
                weight: 1 + index,
              })),
            );
    const route: fc.Arbitrary<FrontRoute> = fc.record({
      path,
      upstreams: servers,
      protected: mode === 'direct' && engine !== 'nginx' ? fc.constant(false) : fc.boolean(),
      metadataPaths: fc.constantFrom([], ['/.well-known/oauth-protected-resource']),
    });
    return fc
      .record({
        names: fc.uniqueArray(name, { maxLength: 3 }),
        tlsPolicy: fc.constantFrom('intermediate' as const, 'modern' as const),
        http2: fc.boolean(),
        origins: fc.uniqueArray(
          label.map((each) => `https://${each}.example`),
          { maxLength: 2 },
        ),
        trustedProxies: fc.constantFrom([], ['10.0.0.0/8'], ['192.0.2.7', '2001:db8::/32']),
        routes: fc.uniqueArray(route, {
          minLength: 1,
          maxLength: 3,
          selector: (each) => each.path,
        }),
        plainHttp: fc.constantFrom(undefined, { host: '127.0.0.1', port: 8080 }),
        listen: fc.constantFrom({ host: '127.0.0.1', port: 8443 }, { host: '::1', port: 8444 }),
        cert: fc.constantFrom(...fileNames).map((file) => join(folder, file)),
      })
      .map(({ cert, ...drawn }) => ({
        ...directFront,
        ...drawn,
        mode,
        limits: { ...directFront.limits, connections: 1000 },
        authz: mode === 'direct' ? directFront.authz : undefined,
        certificate: { cert, key: join(folder, 'key.pem') },
      }));
  });
}

describe.each(['nginx', 'haproxy', 'apache'] as const)('%s', (engine) => {
  const program = findEngine(engine);

  async function load(
    text: string,
    folder: Awaited<ReturnType<typeof createEngineFolder>>,
  ): Promise<readonly [number | null, string]> {
    const file = await folder.write('main.conf', text.replaceAll('/var/log/nginx', folder.path));
    const args = {
      nginx: [
        '-t',
        '-p',
        folder.path,
        '-c',
        file,
        '-g',
        `error_log ${folder.path}/error.log; pid ${folder.path}/nginx.pid;`,
      ],
      haproxy: ['-c', '-f', file],
      apache: [
        '-t',
        '-f',
        engine === 'apache' ? await folder.write('apache2.conf', wrapApacheSite(folder.path, file, [])) : '',
      ],
    }[engine];
    const { status, stdout, stderr } = spawnSync(toProgramPath(program), args, {
      encoding: 'utf8',
      timeout: startLimitMs,
    });
    return [status, status === 0 ? '' : `${stdout}${stderr}`];
  }

  async function prepare(folder: Awaited<ReturnType<typeof createEngineFolder>>): Promise<void> {
    const { cert, key } = await createTestCertificate();
    for (const file of fileNames) await folder.write(file, cert);
    await folder.write('key.pem', key);
    await folder.write('haproxy.pem', cert + key);
  }

  describe.skipIf(program.kind === 'missing' && !programsAreMandatory)('the program itself', () => {
    it('loads whatever is rendered, or it is refused with a reason', async () => {
      await using folder = await createEngineFolder();
      await prepare(folder);
      let loaded = 0;
      let refused = 0;
      await fc.assert(
        fc.asyncProperty(buildFronts(engine, folder.path), async (front) => {
          const rendered = renderers[engine](front);
          if (!rendered.ok) {
            refused += 1;
            expect(rendered.error.map(({ message }) => message).join()).toMatch(
              /cannot be written|cannot ask/,
            );
            return;
          }
          expect(await load(rendered.value.files[0]?.text ?? '', folder)).toEqual([0, '']);
          loaded += 1;
        }),
        { numRuns: runs, endOnFailure: true },
      );
      expect(loaded).toBeGreaterThan(runs / 8);
    });

    const open = (front: Front): Front => ({
      ...front,
      ...(engine === 'nginx' || front.mode === 'front'
        ? {}
        : {
            routes: front.routes.map((r) => ({
              ...r,
              protected: false,
              upstreams: engine === 'apache' ? r.upstreams.slice(0, 1) : r.upstreams,
            })),
          }),
    });
    it.each(Object.entries({ direct: open(directFront), front: breakwaterFront, full: open(fullFront) }))(
      'loads %s',
      async (_n, front) => {
        await using folder = await createEngineFolder();
        await prepare(folder);
        const rendered = renderers[engine]({
          ...front,
          limits: { ...front.limits, connections: 1000 },
          certificate: { cert: join(folder.path, 'cert.pem'), key: join(folder.path, 'key.pem') },
        });
        const text = rendered.ok ? (rendered.value.files[0]?.text ?? '') : JSON.stringify(rendered.error);
        expect(
          await load(
            text
              .replaceAll(
                /\/(?:var\/lib\/breakwater\/local-ca\/root|etc\/ssl\/internal)\.pem/g,
                join(folder.path, 'cert.pem'),
              )
              .replaceAll(/[ab]\.internal/g, '127.0.0.1'),
            folder,
          ),
        ).toEqual([0, '']);
      },
    );
  });
});

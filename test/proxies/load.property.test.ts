import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Front, FrontRoute, FrontUpstream } from '../../src/render/front.ts';
import { createTestCertificate } from '../support/certificates.ts';
import { programsAreMandatory, toProgramPath } from '../support/programs.ts';
import { createEngineFolder, findEngine } from '../support/proxy-engine.ts';
import { breakwaterFront, directFront, fullFront } from '../render/sample-fronts.ts';
import { renderers } from './rig.ts';

/** The program that tests a file starts anew each time. */
const runs = 30;
const startLimitMs = 20_000;

const toArguments = {
  caddy: (file: string) => ['validate', '--adapter', 'caddyfile', '--config', file],
  'caddy-current': (file: string) => ['validate', '--adapter', 'caddyfile', '--config', file],
  envoy: (file: string) => ['--mode', 'validate', '-c', file],
} as const;

/** Names of files that people and attackers choose; the certificate is put there under each. */
const fileNames = [
  'cert.pem',
  'two words.pem',
  "it's.pem",
  'a"b.pem',
  '#x.pem',
  '$HOME.pem',
  'ü.pem',
  '*.pem',
  '@x.pem',
];

const label = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const host = fc.tuple(label, label).map(([one, two]) => `${one}.${two}.example`);
const name = fc.oneof(
  host,
  host.map((each) => `*.${each}`),
  fc.constantFrom('192.0.2.1', '2001:db8::1'),
);
const path = fc
  .stringMatching(/^\/[A-Za-z0-9\-._~!$&'()*+,=:@]{1,12}$/)
  .filter((text) => !/^\/\.{1,2}$/.test(text));

function buildUpstreams(mode: Front['mode'], ca: string): fc.Arbitrary<readonly FrontUpstream[]> {
  if (mode === 'front')
    return fc.constant([
      { kind: 'tcp', secure: true, host: '127.0.0.1', port: 8443, path: '/mcp', ca, weight: 1 },
    ]);
  return fc
    .record({ path, secure: fc.boolean(), hosts: fc.uniqueArray(host, { minLength: 1, maxLength: 3 }) })
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
}

function buildFronts(folder: string): fc.Arbitrary<Front> {
  return fc.constantFrom('direct' as const, 'front' as const).chain((mode) => {
    const route: fc.Arbitrary<FrontRoute> = fc.record({
      path,
      upstreams: buildUpstreams(mode, join(folder, 'cert.pem')),
      protected: fc.boolean(),
      metadataPaths: fc.constantFrom([], ['/.well-known/oauth-protected-resource']),
    });
    return fc
      .record({
        names: fc.uniqueArray(name, { maxLength: 3 }),
        tlsPolicy: fc.constantFrom('intermediate' as const, 'modern' as const),
        http2: fc.boolean(),
        origins: fc.uniqueArray(
          host.map((each) => `https://${each}`),
          { maxLength: 2 },
        ),
        trustedProxies: fc.constantFrom([], ['10.0.0.0/8'], ['192.0.2.7', '2001:db8::/32']),
        routes: fc.uniqueArray(route, { minLength: 1, maxLength: 3, selector: (each) => each.path }),
        plainHttp: fc.constantFrom(undefined, { host: '127.0.0.1', port: 8080 }),
        listen: fc.constantFrom({ host: '127.0.0.1', port: 8443 }, { host: '::', port: 443 }),
        cert: fc.constantFrom(...fileNames).map((file) => join(folder, file)),
      })
      .map(({ cert, ...drawn }) => ({
        ...directFront,
        ...drawn,
        mode,
        authz: mode === 'direct' ? directFront.authz : undefined,
        certificate: { cert, key: join(folder, 'key.pem') },
      }));
  });
}

describe.each(['caddy', 'caddy-current', 'envoy'] as const)('%s', (engine) => {
  const program = findEngine(engine);
  // Envoy goes by the end of the name.
  const main = 'main.yaml';

  /** What the engine says of a front, with its exit code. */
  function load(front: Front, file: string): readonly [status: number | null, output: string] {
    const { status, stdout, stderr } = spawnSync(toProgramPath(program), toArguments[engine](file), {
      encoding: 'utf8',
      timeout: startLimitMs,
    });
    return [status, status === 0 ? '' : `${stdout}${stderr}\n${JSON.stringify(front)}`];
  }

  describe.skipIf(program.kind === 'missing' && !programsAreMandatory)('the program itself', () => {
    it('loads whatever is rendered', async () => {
      await using folder = await createEngineFolder();
      const { cert, key } = await createTestCertificate();
      for (const file of fileNames) await folder.write(file, cert);
      await folder.write('key.pem', key);
      await fc.assert(
        fc.asyncProperty(buildFronts(folder.path), async (front) => {
          const rendered = renderers[engine](front);
          expect(rendered).toMatchObject({ ok: true });
          const text = rendered.ok ? (rendered.value.files[0]?.text ?? '') : '';
          expect(load(front, await folder.write(main, text))).toEqual([0, '']);
        }),
        // Each attempt at a smaller example is a start of the program, too.
        { numRuns: runs, endOnFailure: true },
      );
    });

    it.each(Object.entries({ direct: directFront, front: breakwaterFront, full: fullFront }))(
      'loads the golden file of %s',
      async (_name, front) => {
        await using folder = await createEngineFolder();
        const { cert, key } = await createTestCertificate();
        const certificate = {
          cert: await folder.write('cert.pem', cert),
          key: await folder.write('key.pem', key),
        };
        const rendered = renderers[engine]({ ...front, certificate });
        const text = rendered.ok ? (rendered.value.files[0]?.text ?? '') : '';
        const file = await folder.write(
          main,
          text.replaceAll(
            /\/(?:var\/lib\/breakwater\/local-ca\/root|etc\/ssl\/internal)\.pem/g,
            certificate.cert,
          ),
        );
        expect(load(front, file)).toEqual([0, '']);
      },
    );
  });
});

import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** What the tests of the executable run; the other projects run it only when this variable names it. */
const executable = fileURLToPath(new URL('build/breakwater', import.meta.url));

/** Tests beside those of their subject that take long or run other programs, by the project they run with. */
const elsewhere = {
  faults: 'test/state/store/kill.test.ts',
  proxies: 'test/render/lint/accepted.test.ts',
  security: 'test/sockets/smuggling.property.test.ts',
};

/** Tests of real programs, which take a while and mostly wait. */
const patient = { testTimeout: 120_000, hookTimeout: 60_000 };

/** Tests that measure, or fill the machine: one file at a time. */
const alone = { ...patient, fileParallelism: false };

const config: ViteUserConfig = defineConfig({
  test: {
    // By itself it leaves a core to itself, which is half of two.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          // Of a machine that does much else; none takes two seconds on a quiet one.
          testTimeout: 20_000,
          exclude: [
            'test/{sockets,interop,soak,security,faults,certificates,access,proxies,replicas,executable}/**',
            ...Object.values(elsewhere),
          ],
        },
      },
      {
        test: {
          name: 'sockets',
          include: ['test/sockets/**/*.test.ts'],
          exclude: Object.values(elsewhere),
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'interop',
          include: ['test/interop/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...alone,
          name: 'security',
          include: ['test/security/**/*.test.ts', elsewhere.security],
          exclude: ['test/security/differential/**'],
        },
      },
      { test: { ...alone, name: 'differential', include: ['test/security/differential/**/*.test.ts'] } },
      { test: { ...alone, name: 'faults', include: ['test/faults/**/*.test.ts', elsewhere.faults] } },
      {
        test: {
          name: 'executable',
          include: ['test/executable/**/*.test.ts'],
          globalSetup: 'test/executable/setup.ts',
          env: { BREAKWATER_EXECUTABLE: process.env['BREAKWATER_EXECUTABLE'] ?? executable },
          testTimeout: 20_000,
          hookTimeout: 20_000,
          fileParallelism: false,
        },
      },
      { test: { ...alone, name: 'certificates', include: ['test/certificates/**/*.test.ts'] } },
      { test: { ...patient, name: 'proxies', include: ['test/proxies/**/*.test.ts', elsewhere.proxies] } },
      { test: { ...patient, name: 'access', include: ['test/access/**/*.test.ts'] } },
      { test: { ...alone, name: 'replicas', include: ['test/replicas/**/*.test.ts'] } },
      { test: { ...alone, name: 'soak', include: ['test/soak/**/*.test.ts'] } },
    ],
  },
});

export default config;

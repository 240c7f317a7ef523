import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createTestCertificate } from '../test/support/certificates.ts';
import { breakwater } from './peers/breakwater.ts';
import { caddy } from './peers/caddy.ts';
import { haproxy } from './peers/haproxy.ts';
import { nginx } from './peers/nginx.ts';
import { readVersion } from './programs.ts';
import { bareH1 } from './rows/bare-h1.ts';
import { bareH2 } from './rows/bare-h2.ts';
import { idleMemory } from './rows/idle-memory.ts';
import type { Row } from './rows/row.ts';
import type { RowResult } from './statistics.ts';
import { buildTable } from './table.ts';

/** `npm run bench [-- --only ID --rounds N --seconds N --json FILE]`; needs Linux with two cores that do nothing else. */
const { values: options } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
});
const rows: readonly Row[] = [bareH1, bareH2, idleMemory];
const chosen = rows.filter(({ id }) => options.only === undefined || options.only.includes(id));

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const peers = [breakwater, nginx, caddy, haproxy].filter((peer) => {
  const isInstalled = peer.version() !== undefined;
  if (!isInstalled) say(`${peer.name} is not installed: left out`);
  return isInstalled;
});
for (const tool of ['wrk', 'h2load', 'taskset']) {
  if (readVersion(tool, ['--version']) === undefined) {
    say(`${tool} is needed: apt-get install wrk nghttp2-client util-linux`);
    process.exit(2);
  }
}

const directory = mkdtempSync(join(tmpdir(), 'breakwater-bench-'));
try {
  mkdirSync(directory, { recursive: true });
  const { cert, key } = await createTestCertificate({ names: ['localhost', '127.0.0.1'] });
  const certFile = join(directory, 'cert.pem');
  const keyFile = join(directory, 'key.pem');
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  const results: { row: Row; result: RowResult }[] = [];
  for (const row of chosen) {
    const result = await row.measure({
      peers,
      rounds: Number(options.rounds),
      seconds: Number(options.seconds),
      directory,
      certFile,
      keyFile,
      onProgress: say,
    });
    results.push({ row, result });
  }
  process.stdout.write(`\n${buildTable(results)}`);
  if (options.json !== undefined) {
    const versions = Object.fromEntries([
      ...peers.map((peer) => [peer.name, peer.version()]),
      ['node', process.version],
    ]);
    const [processor] = cpus();
    const machine = { processor: processor?.model, cores: cpus().length, platform: process.platform };
    const report = { machine, versions, rows: results.map(({ result }) => result) };
    writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

#!/usr/bin/env node
// Plain JavaScript that older Node versions can read too, so that they get a clear sentence instead of a syntax error.
import process from 'node:process';

/** Oldest releases without the HTTP and TLS holes that were fixed in July 2026, by release line. */
const floors = { 22: [22, 23, 2], 24: [24, 18, 1], 26: [26, 5, 1] };

function isRecentEnough(version) {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (major > 26) return true;
  const floor = floors[major];
  if (floor === undefined) return false;
  return minor > floor[1] || (minor === floor[1] && patch >= floor[2]);
}

if (process.versions.bun === undefined && !isRecentEnough(process.versions.node)) {
  process.stderr.write(
    `error[E_NODE_VERSION]: Node ${process.versions.node} has known holes in HTTP and TLS\n` +
      '  = fix: use Node 24.18.1, 22.23.2, 26.5.1 or later\n',
  );
  process.exitCode = 2;
} else {
  const { runProcess } = await import('../dist/program/main.js');
  await runProcess();
}

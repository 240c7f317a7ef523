import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { openRecordFile, toRecordLog } from '../../src/observe/record-log.ts';
import { ManualClock } from '../support/manual-clock.ts';

it('appends a JSON line a record to its file, whose directory it makes', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'breakwater-log-')), 'deep', 'access.log');
  const onProblem = (error: Error): never => {
    throw error;
  };
  for (const status of [200, 404]) {
    const file = openRecordFile({ path, clock: new ManualClock(), onProblem });
    file.write('request', `"status":${status},"tool":"\\u00e9t\\u00e9"`);
    await file.close();
  }
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 30, status: 200, tool: 'été', msg: 'request' },
    { level: 30, status: 404, tool: 'été', msg: 'request' },
  ]);
});

it('disk-full: a file that takes nothing is told once and stops no one', async () => {
  const problems: string[] = [];
  const onProblem = (error: Error): void => void problems.push(error.message);
  const file = openRecordFile({ path: '/dev/full', clock: new ManualClock(), onProblem });
  for (let round = 0; round < 3; round++) {
    file.write('request', '"status":200');
    await file.flush();
  }
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain('ENOSPC');
});

it('slow-disk: what waits is bounded, and what is over the bound is dropped whole', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'breakwater-log-')), 'access.log');
  const problems: string[] = [];
  const onProblem = (error: Error): void => void problems.push(error.message);
  const file = openRecordFile({ path, clock: new ManualClock(), onProblem });
  const fields = `"tool":"${'x'.repeat(100_000)}"`;
  for (let count = 0; count < 200; count++) file.write('request', fields);
  await file.flush();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(70);
  expect(lines.length).toBeLessThan(90);
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ msg: 'request' });
  expect(problems).toEqual(['the disk is slower than the lines come']);
});

it('names a file that cannot be opened', () => {
  const open = (): unknown =>
    openRecordFile({ path: '/dev/null/access.log', clock: new ManualClock(), onProblem: () => undefined });
  expect(open).toThrow('the access log `/dev/null/access.log` cannot be opened');
});

it('hands records to another log as its entries', () => {
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
  toRecordLog(log).write('request', '"status":200');
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 30, status: 200, msg: 'request' });
});

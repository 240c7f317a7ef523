import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/lib/clock.ts';
import { createChallengeBoard } from '../../../src/tls/acme/challenge-board.ts';
import { createHttpSolver } from '../../../src/tls/acme/http-solver.ts';
import { createTlsAlpnSolver } from '../../../src/tls/acme/tls-alpn-solver.ts';

let stateDir: string;
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'breakwater-board-'));
});
afterEach(() => rm(stateDir, { recursive: true, force: true }));

const challenge = {
  type: 'http-01',
  name: 'mcp.example.com',
  token: 'tok_en-1',
  keyAuthorization: 'tok_en-1.thumbprint',
} as const;
const alpnChallenge = { ...challenge, type: 'tls-alpn-01' } as const;
const { signal } = new AbortController();

describe('answers to challenges', () => {
  it('http-01: are given by a process that did not order, until they are taken away', async () => {
    const ordering = createHttpSolver(createChallengeBoard(stateDir));
    const other = createHttpSolver(createChallengeBoard(stateDir));
    expect(other.answerFor('tok_en-1')).toBeUndefined();
    await ordering.present(challenge, signal);
    expect(other.answerFor('tok_en-1')).toBe('tok_en-1.thumbprint');
    await ordering.remove(challenge);
    expect(other.answerFor('tok_en-1')).toBeUndefined();
  });

  it('tls-alpn-01: likewise', async () => {
    const ordering = createTlsAlpnSolver(systemClock, createChallengeBoard(stateDir));
    const other = createTlsAlpnSolver(systemClock, createChallengeBoard(stateDir));
    expect(other.contextFor('mcp.example.com')).toBeUndefined();
    await ordering.present(alpnChallenge, signal);
    expect(other.contextFor('mcp.example.com')).toBeDefined();
    expect(other.contextFor('other.example.com')).toBeUndefined();
    await ordering.remove(alpnChallenge);
    expect(other.contextFor('mcp.example.com')).toBeUndefined();
  });

  it('control: processes without a common directory know nothing of each other', async () => {
    const ordering = createHttpSolver(createChallengeBoard(stateDir));
    const other = createHttpSolver(createChallengeBoard(join(stateDir, 'elsewhere')));
    await ordering.present(challenge, signal);
    expect(other.answerFor('tok_en-1')).toBeUndefined();
  });

  it('path-traversal: a token cannot name a file', async () => {
    const solver = createHttpSolver(createChallengeBoard(stateDir));
    await solver.present(challenge, signal);
    for (const token of ['../challenges', '../../../etc/passwd', '', 'a'.repeat(300), 'tok_en-1\0'])
      expect(solver.answerFor(token), token).toBeUndefined();
  });

  it('are for the owner of the state alone, and what a dead process left goes', async () => {
    const board = createChallengeBoard(stateDir);
    await board.put('old', 'x');
    const folder = join(stateDir, 'acme/challenges');
    const [name = ''] = await readdir(folder);
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    await utimes(join(folder, name), 0, 0);
    await createChallengeBoard(stateDir).put('new', 'y');
    expect(board.read('old')).toBeUndefined();
    expect(board.read('new')).toBe('y');
  });

  it('do not fail for what cannot be swept away, which the next one tries again', async () => {
    const folder = join(stateDir, 'acme/challenges');
    const stuck = join(folder, 'stuck');
    await mkdir(stuck, { recursive: true });
    await utimes(stuck, 0, 0);
    const board = createChallengeBoard(stateDir);
    await board.put('one', 'x');
    expect(board.read('one')).toBe('x');
    await rm(stuck, { recursive: true });
    await writeFile(join(folder, 'left'), 'y');
    await utimes(join(folder, 'left'), 0, 0);
    await board.put('two', 'z');
    expect(await readdir(folder)).toHaveLength(2);
    expect([board.read('one'), board.read('two')]).toEqual(['x', 'z']);
  });

  it('say so where they cannot be put', async () => {
    const board = createChallengeBoard(stateDir);
    await mkdir(join(stateDir, 'acme'));
    await writeFile(join(stateDir, 'acme/challenges'), '');
    await expect(board.put('one', 'x')).rejects.toMatchObject({ code: 'E_STATE_UNWRITABLE' });
  });
});

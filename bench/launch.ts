import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from './endpoint.ts';
import { initialize } from './initialize.ts';
import type { Check, Peer, PeerProgram, PeerSetup } from './peer.ts';
import { findFreePort } from '../test/support/programs.ts';
import { proxyCore, startOnCore, waitForPort } from './programs.ts';
import { issuedToken } from './issued-token.ts';
import { token } from './token.ts';

/** A peer that runs alone on its core and answers. */
export interface RunningPeer {
  readonly endpoint: Endpoint;
  readonly process: ChildProcess;
  readonly peer: Peer;
  /** The last of what it printed. */
  readOutput(): string;
}

export interface LaunchOptions {
  readonly directory: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly upstreamPort: number;
  readonly authPort?: number | undefined;
  readonly check?: Check;
  readonly streams?: number;
  readonly workers?: number;
}

/** A program that is ready to be started, and the file its output goes to. */
export interface PreparedPeer {
  readonly program: PeerProgram;
  readonly outputFile: string;
}

let count = 0;

/** Writes a peer's files into a directory of its own. */
export async function preparePeer(peer: Peer, options: LaunchOptions): Promise<PreparedPeer> {
  const directory = join(options.directory, `${peer.name}-${count++}`);
  mkdirSync(directory, { recursive: true });
  // Some servers work as a user of their own and keep files here.
  chmodSync(directory, 0o755);
  const setup: PeerSetup = {
    directory,
    certFile: options.certFile,
    keyFile: options.keyFile,
    upstreamPort: options.upstreamPort,
    authPort: options.authPort ?? (await findFreePort()),
    check: options.check ?? 'none',
    streams: options.streams ?? 0,
    workers: options.workers ?? 1,
  };
  return { program: await peer.prepare(setup), outputFile: join(directory, 'output.txt') };
}

/** Starts a prepared peer on the core of the proxies. */
export function startPeer({ program, outputFile }: PreparedPeer): ChildProcess {
  return startOnCore({ core: proxyCore, command: program.command, outputFile });
}

/** Prepares and starts a peer, and waits until calls can be sent. */
export async function launchPeer(peer: Peer, options: LaunchOptions): Promise<RunningPeer> {
  const prepared = await preparePeer(peer, options);
  const { program, outputFile } = prepared;
  const child = startPeer(prepared);
  await waitForPort(child, program.port, outputFile);
  const endpoint = await openEndpoint(peer, program.port, options.check ?? 'none');
  return { endpoint, process: child, peer, readOutput: () => readFileSync(outputFile, 'utf8').slice(-2000) };
}

/** The endpoint of a program that listens; opens a session where it wants one, or may give one to its caller alone. */
export async function openEndpoint(peer: Peer, port: number, check: Check): Promise<Endpoint> {
  const shown = check === 'issued-token' ? issuedToken : token;
  const fields: Record<string, string> = check === 'none' ? {} : { authorization: `Bearer ${shown}` };
  const isMcp = peer.isMcpEndpoint === true;
  if (isMcp && check !== 'none') fields['x-api-key'] = token;
  const endpoint = { port, isPlain: peer.isPlain === true, fields, needsOwnIds: isMcp };
  if (!isMcp && check === 'none') return endpoint;
  return { ...endpoint, fields: { ...fields, 'mcp-session-id': await initialize(endpoint) } };
}

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { systemClock } from '../../src/lib/clock.ts';
import { createAcmeIssuer } from '../../src/tls/acme/acme-issuer.ts';
import type { ChallengeSolver, ChallengeType } from '../../src/tls/acme/challenge.ts';
import { createDnsSolver } from '../../src/tls/acme/dns-solver.ts';
import { createHttpSolver } from '../../src/tls/acme/http-solver.ts';
import { toIssuerId, type IssuerSettings } from '../../src/tls/acme/issuer-settings.ts';
import { createTlsAlpnSolver } from '../../src/tls/acme/tls-alpn-solver.ts';
import { CHALLENGE_PROTOCOL } from '../../src/tls/handshake/challenge-callback.ts';
import type {
  CertificateIssuer,
  IssuedCertificate,
  IssueRequest,
  IssueStep,
} from '../../src/tls/automation/issuer.ts';
import type { Pebble } from './pebble.ts';
import { toCheckoutPath } from './programs.ts';
import { createMemoryBoard } from './memory-board.ts';

/** The client with listeners for all challenges of one Pebble, and a state directory of its own. */
export interface IssuingRig {
  readonly solvers: readonly ChallengeSolver[];
  readonly stateDir: string;
  /** Where the account is kept. */
  readonly accountFile: string;
  readonly steps: IssueStep[];
  /** Server names of all handshakes on the port of `tls-alpn-01`. */
  readonly serverNames: string[];
  readonly cleanupErrors: Error[];
  createIssuer(settings?: Partial<IssuerSettings>, solvers?: readonly ChallengeSolver[]): CertificateIssuer;
  issue(
    names: IssueRequest['names'],
    options?: {
      readonly challenges?: readonly ChallengeType[];
      readonly issuer?: CertificateIssuer;
      readonly replaces?: IssuedCertificate;
      readonly signal?: AbortSignal;
    },
  ): Promise<IssuedCertificate>;
  stop(): Promise<void>;
}

/** One issue, from the beginning to the certificate, may take this long. */
export const issueLimitMs = 30_000;

const httpAlone: readonly ChallengeType[] = ['http-01'];

export async function startIssuingRig(pebble: Pebble): Promise<IssuingRig> {
  const stateDir = await mkdtemp(join(tmpdir(), 'breakwater-issuing-'));
  const http = createHttpSolver(createMemoryBoard());
  const alpn = createTlsAlpnSolver(systemClock, createMemoryBoard());
  const serverNames: string[] = [];
  const cleanupErrors: Error[] = [];
  const dns = createDnsSolver({
    command: [process.execPath, toCheckoutPath('test/support/dns-hook-process.ts'), pebble.dnsManagement],
    propagation: 100,
    timeout: 20_000,
    clock: systemClock,
    onCleanupError: (error) => void cleanupErrors.push(error),
  });
  const servers = [
    createServer((request, response) => {
      const [, folder, token = ''] =
        /^\/(\.well-known\/acme-challenge)\/([\w-]+)$/.exec(request.url ?? '') ?? [];
      const answer = folder === undefined ? undefined : http.answerFor(token);
      response.writeHead(answer === undefined ? 404 : 200).end(answer);
    }).listen(pebble.httpPort, '127.0.0.1'),
    createTlsServer({
      ALPNProtocols: [CHALLENGE_PROTOCOL],
      SNICallback: (name, done) => {
        serverNames.push(name);
        done(null, alpn.contextFor(name));
      },
    }).listen(pebble.tlsPort, '127.0.0.1'),
  ];
  await Promise.all(servers.map((server) => once(server, 'listening')));

  const steps: IssueStep[] = [];
  const solvers = [http, alpn, dns];
  const createIssuer: IssuingRig['createIssuer'] = (settings = {}, chosen = solvers) =>
    createAcmeIssuer({
      settings: {
        directory: pebble.directory,
        title: 'Pebble',
        email: undefined,
        termsAccepted: true,
        profile: undefined,
        preferredChain: undefined,
        ca: pebble.rootFile,
        eab: undefined,
        ...settings,
      },
      stateDir,
      solvers: chosen,
      clock: systemClock,
      version: '0.0.0-test',
    });
  const usual = createIssuer();
  return {
    solvers,
    stateDir,
    accountFile: join(stateDir, 'acme', toIssuerId(pebble.directory), 'account.json'),
    steps,
    serverNames,
    cleanupErrors,
    createIssuer,
    issue: (names, { challenges = httpAlone, issuer = usual, replaces, signal } = {}) =>
      issuer.issue({
        names,
        challenges,
        replaces,
        onStep: (step) => void steps.push(step),
        signal: signal ?? AbortSignal.timeout(issueLimitMs),
      }),
    async stop() {
      for (const server of servers) await close(server);
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

async function close(server: Server | HttpServer): Promise<void> {
  server.close();
  if ('closeAllConnections' in server) server.closeAllConnections();
  await once(server, 'close');
}

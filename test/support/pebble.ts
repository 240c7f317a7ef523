import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestChain } from './certificates.ts';
import { findFreePort, startServerProgram, type ServerProgram } from './programs.ts';

/** An ACME authority (Let's Encrypt's Pebble) with its own DNS, for one test file. */
export interface Pebble {
  readonly directory: string;
  /** Path of the root that vouches for the authority's own HTTPS. */
  readonly rootFile: string;
  /** Where it looks for `http-01` answers, on 127.0.0.1. */
  readonly httpPort: number;
  /** Where it looks for `tls-alpn-01` answers, on 127.0.0.1. */
  readonly tlsPort: number;
  /** Base URL of the DNS server's management: `POST /set-txt` and others. */
  readonly dnsManagement: string;
  /** PEM of a root below which it issues; alternate ones from 1 on. */
  issuedRoot(index?: number): Promise<string>;
  /** Sets what is answered, word for word, when somebody asks for the renewal information of a certificate; PEM of its leaf. */
  setRenewalInfo(certificate: string, answer: string): Promise<void>;
  /** Ends both programs and removes their files. */
  stop(): Promise<void>;
}

export interface PebbleOptions {
  /** Path of the program; Debian's when absent. */
  readonly program?: string;
  /** Percentage of good nonces that are rejected. */
  readonly nonceReject?: number;
  /** Seconds, at most, that it waits before it looks for an answer; none when absent. */
  readonly validationSeconds?: number;
  /** Percentage of orders that take up authorizations proven before. */
  readonly reuse?: number;
  readonly alternateRoots?: number;
  /** Key identifiers and MAC keys (base64url); with them only bound accounts are taken. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** Merged into the `pebble` object of its configuration, such as `profiles`. */
  readonly config?: object;
}

/** Starts Pebble and pebble-challtestsrv on free loopback ports. All names lead to 127.0.0.1. */
export async function startPebble(options: PebbleOptions = {}): Promise<Pebble> {
  const folder = await mkdtemp(join(tmpdir(), 'breakwater-pebble-'));
  const rootFile = join(folder, 'root.pem');
  const { root, intermediate, leaf } = await createTestChain({ names: ['localhost', '127.0.0.1'] });
  await writeFile(rootFile, root.cert);
  await writeFile(join(folder, 'cert.pem'), leaf.cert + intermediate.cert);
  await writeFile(join(folder, 'key.pem'), leaf.key);
  const [httpPort, tlsPort, dnsPort, managementPort] = [
    await findFreePort(),
    await findFreePort(),
    await findFreePort(),
    await findFreePort(),
  ];
  const configFile = join(folder, 'config.json');
  const programs: ServerProgram[] = [];
  const stop = async (): Promise<void> => {
    for (const program of programs) await program.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const dns = await startServerProgram((port) => ({
      command: 'pebble-challtestsrv',
      args: [
        `-management=127.0.0.1:${port}`,
        `-dns01=127.0.0.1:${dnsPort}`,
        '-http01=',
        '-https01=',
        '-tlsalpn01=',
        '-defaultIPv4=127.0.0.1',
        '-defaultIPv6=',
      ],
    }));
    programs.push(dns);
    // The configuration names the port, which is known only once the program is about to start.
    const port = await findFreePort();
    await writeFile(
      configFile,
      JSON.stringify({
        pebble: {
          listenAddress: `127.0.0.1:${port}`,
          managementListenAddress: `127.0.0.1:${managementPort}`,
          certificate: join(folder, 'cert.pem'),
          privateKey: join(folder, 'key.pem'),
          httpPort,
          tlsPort,
          ocspResponderURL: '',
          externalAccountBindingRequired: options.bindings !== undefined,
          externalAccountMACKeys: options.bindings ?? {},
          ...options.config,
        },
      }),
    );
    programs.push(
      await startServerProgram(
        () => ({
          command: options.program ?? 'pebble',
          args: ['-config', configFile, '-strict', '-dnsserver', `127.0.0.1:${dnsPort}`],
          env: {
            ...(options.validationSeconds === undefined
              ? { PEBBLE_VA_NOSLEEP: '1' }
              : { PEBBLE_VA_SLEEPTIME: String(options.validationSeconds) }),
            PEBBLE_WFE_NONCEREJECT: String(options.nonceReject ?? 0),
            PEBBLE_AUTHZREUSE: String(options.reuse ?? 0),
            PEBBLE_ALTERNATE_ROOTS: String(options.alternateRoots ?? 0),
          },
        }),
        port,
      ),
    );
    return {
      directory: `https://localhost:${port}/dir`,
      rootFile,
      httpPort,
      tlsPort,
      dnsManagement: `http://127.0.0.1:${dns.port}`,
      issuedRoot: (index = 0) => ask(`https://localhost:${managementPort}/roots/${index}`, root.cert),
      async setRenewalInfo(certificate, answer) {
        const body = JSON.stringify({ Certificate: certificate, ARIResponse: answer });
        await ask(`https://localhost:${managementPort}/set-renewal-info/`, root.cert, body);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** GET, or POST with a body; rejects for an answer that is not a success. */
function ask(url: string, ca: string, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const headers = { 'user-agent': 'test' };
    const outgoing = request(url, { method, headers, ca, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.once('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${url} answers ${response.statusCode}: ${text}`));
      });
    });
    outgoing.once('error', reject).end(body);
  });
}

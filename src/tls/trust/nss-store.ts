import { access } from 'node:fs/promises';
import { GatewayError, isGatewayError } from '../../lib/gateway-error.ts';
import {
  findChromiumDatabases,
  findFirefoxDatabases,
  hasDatabase,
  type NssDatabase,
} from './nss-databases.ts';
import { holdsCertificate, type OwnAuthority } from './own-authority.ts';
import { programMissing, type CommandResult, type RunCommand } from './run-command.ts';
import { createAbsentStore } from './system-store.ts';
import type { TrustPlatform } from './trust-platform.ts';
import {
  explainResult,
  type PlannedStep,
  type StoreState,
  type TrustAction,
  type TrustStore,
} from './trust-store.ts';

const installHint =
  'install the program `certutil` of NSS: package `libnss3-tools` (Debian, Ubuntu), `nss-tools` (Fedora, Alpine), `nss` (Arch) or `mozilla-nss-tools` (openSUSE)';

/** Where Homebrew puts `certutil` without a link in the search path. */
const homebrewPaths: readonly string[] = [
  '/opt/homebrew/opt/nss/bin/certutil',
  '/usr/local/opt/nss/bin/certutil',
];

/** The stores of the browsers that have their own: one for each database, or a line that says why there is none. */
export async function createNssStores(
  platform: TrustPlatform,
  run: RunCommand,
): Promise<readonly TrustStore[]> {
  const program = await findProgram(platform, run);
  // From version 120 on it does so where there is a list of the system that it knows.
  if (platform.os === 'win32' || (platform.os === 'darwin' && program === undefined))
    return [absent('Firefox', 'it takes up what the system trusts by itself, from version 120 on')];
  const create = (database: NssDatabase): TrustStore => createNssStore(database, program, run);
  const chromium = (await findChromiumDatabases(platform)).map(create);
  if (platform.os === 'linux' && chromium.length === 0)
    chromium.push(absent('Chromium and Chrome', 'no such browser is installed'));
  return [...chromium, ...(await createFirefoxStores(platform, create))];
}

async function createFirefoxStores(
  platform: TrustPlatform,
  create: (database: NssDatabase) => TrustStore,
): Promise<readonly TrustStore[]> {
  try {
    const databases = await findFirefoxDatabases(platform);
    return databases.length === 0 ? [absent('Firefox', 'no profile was found')] : databases.map(create);
  } catch (error) {
    if (!isGatewayError(error)) throw error;
    return [{ id: 'nss:firefox', title: 'Firefox', inspect: () => Promise.reject(error), plan: () => [] }];
  }
}

function absent(title: 'Firefox' | 'Chromium and Chrome', reason: string): TrustStore {
  return createAbsentStore({ id: title === 'Firefox' ? 'nss:firefox' : 'nss:chromium', title, reason });
}

/** Windows has no such program, but another one of the same name. */
async function findProgram(platform: TrustPlatform, run: RunCommand): Promise<string | undefined> {
  if (platform.os === 'win32') return undefined;
  const { status } = await run('certutil', ['-H']);
  if (status !== programMissing) return 'certutil';
  if (platform.os !== 'darwin') return undefined;
  for (const path of homebrewPaths) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

interface NssTarget {
  readonly database: NssDatabase;
  readonly program: string;
  readonly run: RunCommand;
}

function createNssStore(database: NssDatabase, program: string | undefined, run: RunCommand): TrustStore {
  const { title, directory } = database;
  return {
    id: `nss:${directory}`,
    title,
    async inspect(authority) {
      if (program === undefined)
        throw new GatewayError('E_TRUST_STORE', `${title} cannot be read or changed without \`certutil\``, {
          hint: installHint,
        });
      return inspect({ database, program, run }, authority);
    },
    plan: (action, authority) =>
      program === undefined ? [] : plan({ database, program, run }, { action, authority }),
  };
}

async function inspect({ database, program, run }: NssTarget, authority: OwnAuthority): Promise<StoreState> {
  if (!(await hasDatabase(database.directory))) return { kind: 'none' };
  const list = ['-L', '-d', toPrefixed(database)];
  const listed = await run(program, list);
  if (listed.status !== 0) throw unreadable(database, listed);
  const flags = findTrustFlags(listed.stdout, authority.name);
  if (flags === undefined) return { kind: 'none' };
  const shown = await run(program, [...list, '-n', authority.name, '-a']);
  if (shown.status !== 0) throw unreadable(database, shown);
  const isTrusted = holdsCertificate(shown.stdout, authority) && /^[a-zA-Z]*C[a-zA-Z]*,/.test(flags);
  return { kind: isTrusted ? 'held' : 'partly' };
}

/** The flags at the end of the line that begins with the nickname: for TLS, for mail, for code. */
function findTrustFlags(list: string, nickname: string): string | undefined {
  for (const line of list.split('\n')) {
    const match = /^(?<name>.*\S)\s+(?<flags>[a-zA-Z]*,[a-zA-Z]*,[a-zA-Z]*)\s*$/.exec(line);
    if (match?.groups?.['name'] === nickname) return match.groups['flags'];
  }
  return undefined;
}

function unreadable({ title }: NssDatabase, result: CommandResult): GatewayError {
  return new GatewayError('E_TRUST_STORE', `${title} cannot be read: ${explainResult(result)}`, {
    hint: 'close the browser and run the command again',
  });
}

function plan(
  { database, program }: NssTarget,
  { action, authority }: { readonly action: TrustAction; readonly authority: OwnAuthority },
): PlannedStep[] {
  const { title, directory, exists } = database;
  const { name, file, pem } = authority;
  const base = ['-d', toPrefixed(database)];
  const rest = {
    kind: 'command',
    command: program,
    needsRoot: false,
    hint: `close the browser and run the command again, or change the trust of \`${file}\` in its settings`,
  } as const;
  if (action === 'untrust')
    return [{ ...rest, text: `remove the certificate from ${title}`, args: ['-D', ...base, '-n', name] }];
  const add: PlannedStep = {
    ...rest,
    text: `add the certificate to ${title} as a root for TLS`,
    args: ['-A', ...base, '-t', 'C,,', '-n', name, '-a'],
    input: { file, data: pem },
  };
  if (exists) return [add];
  return [
    { kind: 'directory', text: `create \`${directory}\``, path: directory, needsRoot: false },
    { ...rest, text: 'create an empty database in it', args: ['-N', ...base, '--empty-password'] },
    add,
  ];
}

/** The prefix names the format, so that nothing in the path can be taken for another one. */
function toPrefixed({ directory }: NssDatabase): string {
  return `sql:${directory}`;
}

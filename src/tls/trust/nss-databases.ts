import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { explainFileError, hasCode } from '../../lib/file-errors.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import type { TrustPlatform } from './trust-platform.ts';

/** A directory with a certificate database of Mozilla's NSS, as browsers keep it. */
export interface NssDatabase {
  readonly title: string;
  /** Absolute. */
  readonly directory: string;
  /** False for the shared database of Chromium before anything has used it. */
  readonly exists: boolean;
}

const databaseFile = 'cert9.db';
const shared = '.pki/nssdb';

/** Where the sandboxes of snap and Flatpak keep a Chromium's. */
const sandboxPlaces: readonly string[] = [
  'snap/chromium/current/.pki/nssdb',
  '.var/app/org.chromium.Chromium/.pki/nssdb',
  '.var/app/com.google.Chrome/.pki/nssdb',
];

const chromiumPrograms: readonly string[] = [
  'usr/bin/chromium',
  'usr/bin/chromium-browser',
  'usr/bin/google-chrome',
  'usr/bin/google-chrome-stable',
  'usr/bin/brave-browser',
  'usr/bin/microsoft-edge',
  'usr/bin/vivaldi',
  'snap/bin/chromium',
];

/**
 * The databases of Chromium. It uses the shared one in `~/.pki` where there is one, else the one below the data directory of the
 * user, which newer builds make. The shared one is made before the first use of a browser that is installed, but not when there
 * is the other: Chromium would leave that one, and all certificates in it.
 */
export async function findChromiumDatabases(platform: TrustPlatform): Promise<readonly NssDatabase[]> {
  // Elsewhere Chromium reads the system's list.
  if (platform.os !== 'linux') return [];
  const { home, root, dataHome = join(home, '.local/share') } = platform;
  const found: NssDatabase[] = [];
  for (const directory of [
    join(home, shared),
    join(dataHome, 'pki/nssdb'),
    ...sandboxPlaces.map((place) => join(home, place)),
  ]) {
    if (await hasDatabase(directory))
      found.push({ title: toTitle(directory, home), directory, exists: true });
  }
  const [first] = found;
  const main = join(home, shared);
  const isUnused = first?.directory !== main && first?.directory !== join(dataHome, 'pki/nssdb');
  if (isUnused && (await isAny(chromiumPrograms.map((path) => join(root, path)))))
    found.unshift({ title: toTitle(main, home), directory: main, exists: false });
  return found;
}

function toTitle(directory: string, home: string): string {
  return `Chromium and Chrome (${toShortPath(directory, home)})`;
}

function toShortPath(directory: string, home: string): string {
  return directory.startsWith(`${home}/`) ? `~${directory.slice(home.length)}` : directory;
}

/** Every profile of every Firefox of the user. Throws a GatewayError E_TRUST_STORE when a directory of them cannot be read. */
export async function findFirefoxDatabases(platform: TrustPlatform): Promise<readonly NssDatabase[]> {
  const { home } = platform;
  const found: NssDatabase[] = [];
  for (const parent of listFirefoxPlaces(platform)) {
    for (const profile of await listProfiles(parent)) {
      const directory = join(parent, profile);
      if (await hasDatabase(directory))
        found.push({ title: `Firefox (${toShortPath(directory, home)})`, directory, exists: true });
    }
  }
  return found;
}

/** The classic place, the one of newer builds, and the sandboxes of snap and Flatpak. */
function listFirefoxPlaces({ os, home, configHome = join(home, '.config') }: TrustPlatform): string[] {
  if (os === 'darwin') return [join(home, 'Library/Application Support/Firefox/Profiles')];
  if (os !== 'linux') return [];
  return [
    join(home, '.mozilla/firefox'),
    join(configHome, 'mozilla/firefox'),
    join(home, 'snap/firefox/common/.mozilla/firefox'),
    join(home, '.var/app/org.mozilla.firefox/.mozilla/firefox'),
  ];
}

async function listProfiles(parent: string): Promise<readonly string[]> {
  try {
    return await readdir(parent);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT') || hasCode(cause, 'ENOTDIR')) return [];
    const message = `cannot read \`${parent}\`: ${explainFileError(cause)}`;
    throw new GatewayError('E_TRUST_STORE', message, { cause });
  }
}

/** True once a database of today's format is there. */
export function hasDatabase(directory: string): Promise<boolean> {
  return isFile(join(directory, databaseFile));
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function isAny(paths: readonly string[]): Promise<boolean> {
  for (const path of paths) if (await isFile(path)) return true;
  return false;
}

import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { formatCommand } from './command-text.ts';
import { holdsCertificate, type OwnAuthority } from './own-authority.ts';
import { readTrustedFile } from './read-trusted-file.ts';
import type { TrustPlatform } from './trust-platform.ts';
import type { PlannedCommand, StoreState, TrustAction, TrustStore } from './trust-store.ts';

/** How one family of distributions takes up authorities of the administrator. Paths are below the root directory. */
interface LinuxFamily {
  readonly name: string;
  /** Certificates in this directory are anchors once the list is built anew. */
  readonly anchors: string;
  readonly extension: string;
  /** The list that programs read. */
  readonly bundle: string;
  /** Directory in which each anchor gets a link as well. */
  readonly links?: string;
  readonly refresh: Readonly<Record<TrustAction, readonly [string, ...string[]]>>;
}

/** In this order: a system may have the directory of another family, but not the first ones by chance. */
const families: readonly LinuxFamily[] = [
  {
    name: 'Fedora, RHEL',
    anchors: 'etc/pki/ca-trust/source/anchors',
    extension: '.pem',
    bundle: 'etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
    refresh: { trust: ['update-ca-trust', 'extract'], untrust: ['update-ca-trust', 'extract'] },
  },
  {
    name: 'openSUSE',
    anchors: 'etc/pki/trust/anchors',
    extension: '.pem',
    bundle: 'var/lib/ca-certificates/ca-bundle.pem',
    refresh: { trust: ['update-ca-certificates'], untrust: ['update-ca-certificates'] },
  },
  {
    name: 'Arch',
    anchors: 'etc/ca-certificates/trust-source/anchors',
    extension: '.crt',
    bundle: 'etc/ca-certificates/extracted/tls-ca-bundle.pem',
    refresh: { trust: ['trust', 'extract-compat'], untrust: ['trust', 'extract-compat'] },
  },
  {
    name: 'Debian, Ubuntu, Alpine',
    anchors: 'usr/local/share/ca-certificates',
    extension: '.crt',
    bundle: 'etc/ssl/certs/ca-certificates.crt',
    links: 'etc/ssl/certs',
    // Without `--fresh` the link of a certificate that is gone stays behind.
    refresh: { trust: ['update-ca-certificates'], untrust: ['update-ca-certificates', '--fresh'] },
  },
];

/** The list of this Linux system: an anchor file of ours, and a rebuilt bundle. */
export async function createLinuxStore(platform: TrustPlatform): Promise<TrustStore> {
  const family = await findFamily(platform.root);
  return {
    id: 'system',
    title: family === undefined ? 'system' : `system (${family.name})`,
    inspect: async (authority) =>
      family === undefined ? { kind: 'absent', reason } : inspect(family, platform, authority),
    plan: (action, authority) => (family === undefined ? [] : plan({ family, platform, action, authority })),
  };
}

const reason = 'no list of authorities of a known form; install the package `ca-certificates`';

/** Where this Linux system keeps the list that its programs read, absolute; `undefined` when its form is not known. */
export async function findLinuxBundle(root: string): Promise<string | undefined> {
  const family = await findFamily(root);
  return family === undefined ? undefined : join(root, family.bundle);
}

async function findFamily(root: string): Promise<LinuxFamily | undefined> {
  for (const family of families) if (await exists(join(root, family.anchors))) return family;
  return undefined;
}

async function inspect(
  family: LinuxFamily,
  { root }: TrustPlatform,
  authority: OwnAuthority,
): Promise<StoreState> {
  const anchor = await readTrustedFile(toAnchor(family, root, authority));
  const bundle = await readTrustedFile(join(root, family.bundle));
  const isAnchor = anchor !== undefined && holdsCertificate(anchor, authority);
  const isListed = bundle !== undefined && holdsCertificate(bundle, authority);
  if (isAnchor && isListed) return { kind: 'held' };
  const link = family.links === undefined ? undefined : join(root, family.links, `${toName(authority)}.pem`);
  const isLinked = link !== undefined && (await exists(link));
  return { kind: anchor !== undefined || isListed || isLinked ? 'partly' : 'none' };
}

interface LinuxChange {
  readonly family: LinuxFamily;
  readonly platform: TrustPlatform;
  readonly action: TrustAction;
  readonly authority: OwnAuthority;
}

function plan({ family, platform, action, authority }: LinuxChange): PlannedCommand[] {
  const { root, isRoot } = platform;
  const path = toAnchor(family, root, authority);
  const { file, pem } = authority;
  const [refresh, ...refreshArgs] = family.refresh[action];
  const rebuild = { text: 'rebuild the list that programs read', command: refresh, args: refreshArgs };
  const steps =
    action === 'trust'
      ? [
          {
            text: `put the certificate into \`${path}\``,
            command: 'tee',
            args: [path],
            input: { file, data: pem },
          },
          // Everybody's programs read it, whatever the umask is.
          { text: 'let everybody read it', command: 'chmod', args: ['0644', path] },
          rebuild,
        ]
      : [{ text: `remove \`${path}\``, command: 'rm', args: ['-f', path] }, rebuild];
  const byHand = `run as root: ${steps.map(formatCommand).join(' && ')}`;
  return steps.map((step) => ({
    ...step,
    ...(isRoot ? {} : { command: 'sudo', args: [step.command, ...step.args] }),
    kind: 'command',
    needsRoot: true,
    hint: byHand,
  }));
}

function toAnchor(family: LinuxFamily, root: string, authority: OwnAuthority): string {
  return join(root, family.anchors, `${toName(authority)}${family.extension}`);
}

function toName(authority: OwnAuthority): string {
  return `breakwater-local-ca-${authority.mark}`;
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

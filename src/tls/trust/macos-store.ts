import { GatewayError } from '../../lib/gateway-error.ts';
import type { OwnAuthority } from './own-authority.ts';
import type { RunCommand } from './run-command.ts';
import type { TrustPlatform } from './trust-platform.ts';
import {
  explainResult,
  type PlannedCommand,
  type StoreState,
  type TrustAction,
  type TrustStore,
} from './trust-store.ts';

const keychain = '/Library/Keychains/System.keychain';
const security = '/usr/bin/security';
/** `errSecItemNotFound`, as the program returns it. */
const notFound = 44;
/** `dump-trust-settings` ends so when the administrator has set nothing at all. */
const noSettings = /No Trust Settings/i;

/** The System keychain of macOS: a certificate in it, and the administrator's word that it is a root (man security). */
export function createMacosStore(platform: TrustPlatform, run: RunCommand): TrustStore {
  return {
    id: 'system',
    title: 'system keychain',
    inspect: (authority) => inspect(authority, run),
    plan: (action, authority) => plan(action, authority, platform.isRoot),
  };
}

async function inspect(authority: OwnAuthority, run: RunCommand): Promise<StoreState> {
  const found = await run(security, ['find-certificate', '-a', '-c', authority.name, '-Z', keychain]);
  if (found.status !== 0 && found.status !== notFound)
    throw new GatewayError('E_TRUST_STORE', `cannot read the system keychain: ${explainResult(found)}`);
  const settings = await run(security, ['dump-trust-settings', '-d']);
  const hasNone = noSettings.test(settings.stderr + settings.stdout);
  if (settings.status !== 0 && !hasNone)
    throw new GatewayError('E_TRUST_STORE', `cannot read the trust settings: ${explainResult(settings)}`);
  const isStored = found.stdout.toUpperCase().includes(toSha1(authority));
  const isTrusted = !hasNone && settings.stdout.includes(authority.name);
  if (isStored && isTrusted) return { kind: 'held' };
  return { kind: isStored || isTrusted ? 'partly' : 'none' };
}

function plan(action: TrustAction, authority: OwnAuthority, isRoot: boolean): PlannedCommand[] {
  const { file } = authority;
  const steps =
    action === 'trust'
      ? [
          {
            text: 'put the certificate into the system keychain as a root',
            args: ['add-trusted-cert', '-d', '-r', 'trustRoot', '-k', keychain, file],
          },
        ]
      : [
          {
            text: 'take the trust back',
            args: ['remove-trusted-cert', '-d', file],
            mayFail: true as const,
          },
          {
            text: 'remove the certificate from the system keychain',
            args: ['delete-certificate', '-Z', toSha1(authority), keychain],
            mayFail: true as const,
          },
        ];
  return steps.map((step) => ({
    ...step,
    kind: 'command',
    ...(isRoot
      ? { command: security, args: step.args }
      : { command: 'sudo', args: [security, ...step.args] }),
    needsRoot: true,
    hint: `open \`${file}\` in Keychain Access and change its trust there`,
  }));
}

function toSha1(authority: OwnAuthority): string {
  return authority.certificate.fingerprint.replaceAll(':', '');
}

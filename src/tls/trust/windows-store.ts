import { win32 } from 'node:path';
import { GatewayError } from '../../lib/gateway-error.ts';
import type { OwnAuthority } from './own-authority.ts';
import { programMissing, type RunCommand } from './run-command.ts';
import type { TrustPlatform } from './trust-platform.ts';
import { explainResult, type PlannedCommand, type TrustAction, type TrustStore } from './trust-store.ts';

/** The root list of the current Windows user: no administrator is needed, and Windows itself asks before it changes. */
export function createWindowsStore(platform: TrustPlatform, run: RunCommand): TrustStore {
  // By its full path: NSS has a program of the same name.
  const certutil = win32.join(platform.root, 'System32', 'certutil.exe');
  return {
    id: 'system',
    title: 'Windows root certificates of this user',
    async inspect(authority) {
      const result = await run(certutil, ['-user', '-store', 'Root', toSha1(authority)]);
      if (result.status === programMissing)
        throw new GatewayError('E_TRUST_STORE', `cannot run \`${certutil}\`: ${explainResult(result)}`);
      return { kind: result.status === 0 ? 'held' : 'none' };
    },
    plan: (action, authority) => [plan(action, authority, certutil)],
  };
}

function plan(action: TrustAction, authority: OwnAuthority, certutil: string): PlannedCommand {
  const change =
    action === 'trust'
      ? { text: 'add the certificate to the roots of this user', args: ['-addstore', 'Root', authority.file] }
      : {
          text: 'remove the certificate from the roots of this user',
          args: ['-delstore', 'Root', toSha1(authority)],
        };
  return {
    kind: 'command',
    text: change.text,
    command: certutil,
    args: ['-user', ...change.args],
    needsRoot: false,
    hint: 'answer the question of Windows with yes, or use `certmgr.msc`',
  };
}

function toSha1(authority: OwnAuthority): string {
  return authority.certificate.fingerprint.replaceAll(':', '').toLowerCase();
}

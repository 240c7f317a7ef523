import { isIP } from 'node:net';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { isLocalName } from '../lib/local-names.ts';
import { listAuths } from './access-places.ts';
import { chooseChallenges, chooseSigner, hasFiles, listIssuers, toStaging } from './automatic-issuance.ts';
import { toConflictDiagnostics, type Conflict } from './conflict.ts';
import { findAuthority } from './known-authorities.ts';
import { resolveListeners } from './listeners.ts';
import type { Draft } from './sections.ts';
import { formatSettingName } from './setting-name.ts';
import type { SourceTree } from './source-tree.ts';

type Path = readonly PropertyKey[];

/** What the `tls` section contradicts, in itself or in other sections. */
export function checkTls(draft: Draft, tree: SourceTree): Diagnostic[] {
  const conflicts = [
    ...needCertificatePair(draft),
    ...needOnePassphrase(draft),
    ...needDirectory(draft),
    ...needBinding(draft),
    ...needUsableChallenges(draft),
    ...needNamesToSign(draft),
    ...needClientAuthority(draft),
  ];
  return toConflictDiagnostics(conflicts, tree);
}

function needCertificatePair({ tls }: Draft): Conflict[] {
  if (tls === undefined || (tls.cert === undefined) === (tls.key === undefined)) return [];
  const [given, missing] = tls.cert === undefined ? ['key', 'cert'] : ['cert', 'key'];
  return [
    {
      path: ['tls', given],
      message: `\`tls.${given}\` is given without \`tls.${missing}\``,
      label: `needs \`tls.${missing}\` too`,
      fix: `add \`tls.${missing}\`, or remove \`tls.${given}\` to have certificates issued`,
    },
  ];
}

function needOnePassphrase({ tls }: Draft): Conflict[] {
  if (tls === undefined) return [];
  const top: Path = ['tls'];
  const settings = [
    { path: top, setting: tls },
    ...tls.certificates.map((setting, index) => ({ path: [...top, 'certificates', index], setting })),
  ];
  return settings.flatMap(({ path, setting: { key, passphrase_file, passphrase_env } }): Conflict[] => {
    const byFile = [...path, 'passphrase_file'];
    const byVariable = [...path, 'passphrase_env'];
    if (passphrase_file !== undefined && passphrase_env !== undefined) {
      return [
        {
          path: byVariable,
          message: `\`${formatSettingName(path)}\` has two passphrases`,
          label: 'a second passphrase for the same key',
          fix: 'keep `passphrase_file` or `passphrase_env`',
          other: { path: byFile, label: 'the first is given here' },
        },
      ];
    }
    if (key !== undefined || (passphrase_file ?? passphrase_env) === undefined) return [];
    const given = passphrase_file === undefined ? byVariable : byFile;
    return [
      {
        path: given,
        message: `\`${formatSettingName(given)}\` is given without a key that it could open`,
        label: 'needs `tls.key` too',
        fix: 'add `tls.cert` and `tls.key`, or remove the passphrase',
      },
    ];
  });
}

function needDirectory({ tls }: Draft): Conflict[] {
  if (tls?.acme === undefined) return [];
  const { acme } = tls;
  const issuers = listIssuers(acme);
  const conflicts = issuers.flatMap(({ directory, path }, index): Conflict[] => {
    const earlier = issuers.slice(0, index).find((issuer) => issuer.directory === directory);
    return earlier === undefined
      ? []
      : [
          {
            path: [...path, 'directory'],
            message: `\`${formatSettingName(path)}\` is an authority that is asked before already`,
            label: 'would fail for the same reason',
            fix: 'name another authority, or remove the entry',
            other: { path: [...earlier.path, 'directory'], label: 'first given here' },
          },
        ];
  });
  if (!acme.staging || acme.directory === undefined) return conflicts;
  const isStaging = findAuthority(acme.directory)?.name.endsWith('-staging') === true;
  if (isStaging || toStaging(acme.directory) !== acme.directory) return conflicts;
  conflicts.push({
    path: ['tls', 'acme', 'staging'],
    message: '`tls.acme.staging` is on, but the authority has no staging directory that is known',
    label: 'cannot be obeyed',
    fix: 'remove `staging`, and write the staging directory of the authority as `directory`',
    other: { path: ['tls', 'acme', 'directory'], label: 'given here' },
  });
  return conflicts;
}

function needBinding({ tls }: Draft): Conflict[] {
  if (tls?.acme === undefined) return [];
  return listIssuers(tls.acme).flatMap(({ directory, path, setting }): Conflict[] => {
    const authority = findAuthority(directory);
    if (setting?.eab === undefined) {
      return authority?.needsBinding === true
        ? [
            {
              path: [...path, 'directory'],
              message: `${authority.title} needs an external account binding`,
              label: `needs \`${formatSettingName([...path, 'eab'])}\``,
              fix: 'add `eab: { kid: ..., hmac_key_file: ... }` with the two values from your account there',
            },
          ]
        : [];
    }
    const { hmac_key_env, hmac_key_file } = setting.eab;
    if ((hmac_key_env === undefined) !== (hmac_key_file === undefined)) return [];
    const isTwice = hmac_key_env !== undefined;
    return [
      {
        path: isTwice ? [...path, 'eab', 'hmac_key_env'] : [...path, 'eab', 'kid'],
        message: `\`${formatSettingName([...path, 'eab'])}\` has ${isTwice ? 'two HMAC keys' : 'no HMAC key'}`,
        label: isTwice ? 'a second key for the same account' : 'needs `hmac_key_file` or `hmac_key_env`',
        fix: isTwice
          ? 'keep `hmac_key_file` or `hmac_key_env`'
          : 'add `hmac_key_file` or `hmac_key_env` with the key that the authority gave you',
      },
    ];
  });
}

function needUsableChallenges(draft: Draft): Conflict[] {
  const acme = draft.tls?.acme;
  const challenges = acme?.challenges;
  if (acme === undefined || challenges === undefined) return [];
  const path = ['tls', 'acme', 'challenges'];
  const byDns = challenges.indexOf('dns-01');
  if (byDns !== -1 && acme.dns === undefined) {
    return [
      {
        path: [...path, byDns],
        message: '`dns-01` is listed, but nothing can set a DNS record',
        label: 'needs `tls.acme.dns`',
        fix: 'add `tls.acme.dns: { command: [...] }`, or remove `dns-01`',
      },
    ];
  }
  if (byDns === -1 && acme.dns !== undefined) {
    return [
      {
        path: ['tls', 'acme', 'dns'],
        message: '`tls.acme.dns` is given, but `dns-01` is not among the challenges',
        label: 'would never be used',
        fix: 'add `dns-01` to `tls.acme.challenges`, or remove `tls.acme.dns`',
        other: { path, label: 'without `dns-01`' },
      },
    ];
  }
  const listeners = resolveListeners(draft);
  if (listeners === undefined || listeners.plainHttp !== undefined) return [];
  return challenges.every((name) => name === 'http-01')
    ? [
        {
          path: [...path, 0],
          message: '`http-01` is the only challenge, but plain HTTP is off',
          label: 'is answered on the plain HTTP port',
          fix: 'set `plain_http: 80`, or add `tls-alpn-01`',
          other: { path: ['plain_http'], label: 'plain HTTP is off' },
        },
      ]
    : [];
}

/** Names that no authority would sign for, or not in the ways that are open. Files may cover them, so nothing is said beside files. */
function needNamesToSign(draft: Draft): Conflict[] {
  const { tls, domains } = draft;
  if (tls === undefined || domains === undefined || chooseSigner(tls, domains) !== 'acme') return [];
  if (domains.length === 0) {
    return tls.acme?.on_demand === undefined
      ? [
          {
            path: ['tls', 'acme'],
            message: '`tls.acme` is given, but there is no name to get a certificate for',
            label: 'needs `domains`',
            fix: 'add the public name to `domains`, or start with `--domain mcp.example.com`',
          },
        ]
      : [];
  }
  if (hasFiles(tls)) return [];
  const byPublic = listIssuers(tls.acme)
    .map(({ directory }) => findAuthority(directory))
    .find((authority) => authority !== undefined);
  const challenges = chooseChallenges({
    acme: tls.acme,
    hasPlainHttp: resolveListeners(draft)?.plainHttp !== undefined,
    hasAddress: domains.some((name) => isIP(name) !== 0),
    needsClientCertificate: tls.clients?.required === true,
  });
  return domains.flatMap((name, index): Conflict[] => {
    const path = ['domains', index];
    if (byPublic !== undefined && !isPublicName(name)) {
      return [
        {
          path,
          message: `${byPublic.title} does not sign for \`${name}\``,
          label: 'is not a name of the public internet',
          fix: 'move it to `hosts`, give certificate files, or name an authority of your own as `tls.acme.directory`',
        },
      ];
    }
    if (name.startsWith('*.') && !challenges.includes('dns-01')) {
      return [
        {
          path,
          message: `\`${name}\` is a wildcard, which is proved by a DNS record alone`,
          label: 'needs `tls.acme.dns`',
          fix: 'add `tls.acme.dns: { command: [...] }`, list each name, or give certificate files',
        },
      ];
    }
    if (challenges.length === 0 && tls.clients?.required === true) {
      return [
        {
          path,
          message: `no way is left to prove that \`${name}\` is ours`,
          label: 'needs plain HTTP, `tls.acme.dns`, or clients without certificates',
          fix: 'set `plain_http: 80`: a validator has no client certificate to show on the TLS port',
        },
      ];
    }
    return isIP(name) !== 0 && challenges.every((challenge) => challenge === 'dns-01')
      ? [
          {
            path,
            message: `\`${name}\` is an address, which no DNS record can prove`,
            label: 'needs `http-01` or `tls-alpn-01`',
            fix: 'add `tls-alpn-01` to `tls.acme.challenges`',
          },
        ]
      : [];
  });
}

/** Public authorities sign for names below a public suffix, and for addresses that are reachable from everywhere. */
function isPublicName(name: string): boolean {
  return !isLocalName(name) && (isIP(name) !== 0 || name.includes('.'));
}

/** Against routes that nobody could ever use, or that would be taken for open. */
function needClientAuthority(draft: Draft): Conflict[] {
  if (draft.tls === undefined || draft.tls.clients !== undefined) return [];
  return listAuths(draft).flatMap(({ path, auth }): Conflict[] =>
    auth.kind === 'required' && auth.certificates !== undefined
      ? [
          {
            path: [...path, 'certificates'],
            message: `\`${formatSettingName(path)}\` admits client certificates, but none are asked for`,
            label: 'needs `tls.clients`',
            fix: 'add `tls.clients: { ca: clients.pem }` with the authority of the clients',
          },
        ]
      : [],
  );
}

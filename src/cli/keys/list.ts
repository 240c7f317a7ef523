import { createApiKeys } from '../../auth/keys/api-keys.ts';
import type { KnownKey } from '../../auth/keys/key-record.ts';
import { systemClock } from '../../lib/clock.ts';
import { formatDay, formatEnd, formatMoment } from '../certs/certificate-text.ts';
import { formatColumns } from '../columns.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { withState, type StateOptions } from '../state-source.ts';

/** The API keys of the state directory, one line each. */
export function runList(options: StateOptions, context: CliContext): Promise<number> {
  return withState({ ...options, access: 'reads' }, context, async ({ store, stateDir }) => {
    const now = systemClock.now();
    const keys = await createApiKeys(store, { clock: systemClock }).list();
    const { stdout, stderr } = context.io;
    if (context.json)
      writeEnvelope(context, 'keys-list', { stateDir, keys: keys.map((key) => toJson(key, now)) });
    else if (keys.length === 0) stderr.write(`no API keys in ${stateDir}\n`);
    else
      stdout.write(
        formatColumns(
          ['NAME', 'SCOPES', 'CREATED', 'EXPIRES', 'USED'],
          keys.map((key) => toRow(key, now)),
        ),
      );
    return 0;
  });
}

function toRow({ name, scopes, createdAt, expiresAt, lastUsedAt }: KnownKey, now: number): readonly string[] {
  return [
    name,
    scopes.length === 0 ? '-' : scopes.join(' '),
    formatDay(createdAt),
    expiresAt === undefined ? 'never' : formatEnd(expiresAt, now),
    lastUsedAt === undefined ? 'never' : formatMoment(lastUsedAt),
  ];
}

function toJson({ name, scopes, createdAt, expiresAt, lastUsedAt }: KnownKey, now: number): object {
  const iso = (time: number | undefined): string | null =>
    time === undefined ? null : new Date(time).toISOString();
  return {
    name,
    scopes,
    createdAt: iso(createdAt),
    expiresAt: iso(expiresAt),
    isExpired: (expiresAt ?? Infinity) <= now,
    lastUsedAt: iso(lastUsedAt),
  };
}

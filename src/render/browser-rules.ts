import { serverPaths } from '../auth/server/server-metadata.ts';
import type { Front } from './front.ts';

/** Where the authorization server that is built in answers: whole paths, and one prefix. */
export const loginPaths: { readonly exact: readonly string[]; readonly prefix: string } = {
  exact: [serverPaths.metadata, serverPaths.openidMetadata],
  prefix: serverPaths.prefix,
};

/** HSTS is for names alone: it would also bind other servers that a person runs on localhost. */
export function hasPublicName(front: Front): boolean {
  return front.names.length > 0;
}

/** A regular expression (RE2 and PCRE alike) for the names of the front, ports left out; `undefined` where any name is right. */
export function toNamePattern(front: Front): string | undefined {
  if (front.names.length === 0) return undefined;
  return alternatives(front.names.map(toHostPattern));
}

/** A regular expression for the origins that browsers may call from: the own ones, on the public port, and those that are listed. */
export function toOriginPattern(front: Front): string {
  const { port } = new URL(front.publicUrl);
  const suffix = port === '' ? '' : `:${port}`;
  const own = front.names.map((name) => `https://${toHostPattern(name)}${suffix}`);
  const others = [front.publicUrl, ...front.origins].map(escapePattern);
  return `^${alternatives([...new Set([...own, ...others])])}$`;
}

/** Text as a regular expression that matches it alone. */
export function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function toHostPattern(name: string): string {
  if (name.includes(':')) return `\\[${escapePattern(name)}\\]`;
  return name.startsWith('*.') ? `[a-z0-9_-]+${escapePattern(name.slice(1))}` : escapePattern(name);
}

function alternatives(patterns: readonly string[]): string {
  return `(${patterns.join('|')})`;
}

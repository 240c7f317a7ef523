import type { Fields } from './exchange.ts';
import { parseTokenList } from './field-lines.ts';

/** Fields that concern one connection only (RFC 9110 section 7.6.1); they never pass the gateway in either direction. */
export const hopByHopFields: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

export interface ConnectionOptions {
  readonly close: boolean;
  /** Fields nominated as hop-by-hop by the sender. */
  readonly nominated: readonly string[];
}

/** Reads a Connection value. */
export function parseConnection(value: string): ConnectionOptions {
  if (value === 'keep-alive') return { close: false, nominated: [] };
  const members = parseTokenList(value);
  return { close: members.includes('close'), nominated: members };
}

/** The fields whose names are not in `names`. */
export function withoutFields(fields: Fields, names: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? '';
    if (!names.includes(name)) kept.push(name, fields[index + 1] ?? '');
  }
  return kept;
}

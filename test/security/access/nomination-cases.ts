import { claims } from '../../support/claimed-fields.ts';
import { buildRequest, expectForwarded, protectedPath, type AccessCase } from './access-case.ts';

/** Never sent by these cases but by their base, or by nobody: a value would make another request of it. */
const nominatedOnly: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'content-type',
  'accept',
  'authorization',
  'transfer-encoding',
  'content-encoding',
  'expect',
]);

const names: readonly string[] = [
  ...nominatedOnly,
  'x-api-key',
  'cookie',
  'mcp-session-id',
  'mcp-protocol-version',
  'mcp-method',
  'mcp-name',
  'last-event-id',
  'origin',
  'referer',
  'user-agent',
  'via',
  'range',
  'if-none-match',
  'cache-control',
  'accept-encoding',
  'accept-language',
  'te',
  'trailer',
  'upgrade',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'http2-settings',
  'x-request-id',
  'traceparent',
  'baggage',
  'strict-transport-security',
  ...claims.map((name) => name.toLowerCase()).slice(0, 29),
];

/** Ways to write the same nomination (RFC 9110 section 7.6.1). */
const spellings: readonly (readonly [string, (name: string) => string])[] = [
  ['alone', (name) => `Connection: ${name}\r\n`],
  ['in capitals, in a list', (name) => `Connection: keep-alive, ${name.toUpperCase()}\r\n`],
  ['in a second field', (name) => `Connection: close\r\nconnection: ${name}\r\n`],
  ['between empty members', (name) => `CONNECTION: ,\t${name} ,,\r\n`],
];

/**
 * The rule: a nominated field is as if it had not been sent, before anything is decided. So the call loses its key by
 * nominating it, and never what the gateway itself writes.
 */
export function buildNominationCases(key: string): readonly AccessCase[] {
  return names.flatMap((name) =>
    spellings.map(([how, spell]): AccessCase => {
      const isKey = name === 'authorization';
      const own = nominatedOnly.has(name) ? '' : `${name}: nominated-6f\r\n`;
      const without = name === 'content-length' ? [] : [name];
      return {
        attack: 'nomination',
        name: `${name} nominated ${how}`,
        request: buildRequest({
          target: protectedPath,
          fields: `Authorization: Bearer ${key}\r\n${own}${spell(name)}`,
        }),
        status: isKey ? 401 : 200,
        forwarded: isKey ? undefined : expectForwarded({ without }),
        hasKey: !isKey,
      };
    }),
  );
}

import { GatewayError } from '../../lib/gateway-error.ts';
import { ok } from '../../lib/result.ts';
import type { OutboundCredentials, OutboundFields } from './credentials.ts';

/** Fields that rule the connection or the framing (request smuggling), or that the gateway itself decides. */
const reservedNames: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** One field that is the same for all callers, such as an API key of the upstream. */
export function createHeaderCredentials(config: {
  readonly name: string;
  readonly value: string;
}): OutboundCredentials {
  const name = config.name.toLowerCase();
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || reservedNames.has(name))
    throw new GatewayError('E_CONFIG_VALUE', `\`${name}\` cannot be a header for credentials`);
  // header-injection: a line break in a secret from a file would begin another field.
  if (!/^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(config.value))
    throw new GatewayError(
      'E_CONFIG_VALUE',
      `the value for the header \`${name}\` is empty or has characters that no header can carry`,
    );
  const fields: OutboundFields = ok([name, config.value]);
  return { names: [name], fieldsFor: () => fields };
}

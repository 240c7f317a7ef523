import { claims } from '../../support/claimed-fields.ts';
import { buildRequest, expectForwarded, trustedAddress, type AccessCase } from './access-case.ts';

const claimed = '6.6.6.66';
const second = '7.7.7.77';

interface Variant {
  readonly how: string;
  readonly write: (name: string) => string;
  /** The last address it claims; `undefined` when the name is another one to a gateway. */
  readonly last: string | undefined;
}

const variants: readonly Variant[] = [
  { how: 'as it is', write: (name) => `${name}: ${claimed}\r\n`, last: claimed },
  { how: 'in capitals', write: (name) => `${name.toUpperCase()}: ${claimed}\r\n`, last: claimed },
  {
    how: 'twice',
    write: (name) => `${name}: ${claimed}\r\n${name.toLowerCase()}: ${second}\r\n`,
    last: second,
  },
  { how: 'as a list', write: (name) => `${name}: ${claimed}, ${second}\r\n`, last: second },
  {
    how: 'with underscores (CVE-2025-64484)',
    write: (name) => `${withUnderscore(name)}: ${claimed}\r\n`,
    last: undefined,
  },
  {
    how: 'with dots, which CGI turns into underscores',
    write: (name) => `${name.includes('-') ? name.replaceAll('-', '.') : `${name}.`}: ${claimed}\r\n`,
    last: undefined,
  },
  {
    how: 'in one spelling and with underscores',
    write: (name) => `${name}: ${claimed}\r\n${withUnderscore(name).toUpperCase()}: ${second}\r\n`,
    last: claimed,
  },
];

function withUnderscore(name: string): string {
  return name.includes('-') ? name.replaceAll('-', '_') : `${name}_`;
}

/** The rule: X-Forwarded-For of a trusted proxy names the client; every other claim is deleted, whoever makes it. */
function buildCase(name: string, variant: Variant, from: string): AccessCase {
  const isBelieved = from === trustedAddress && name === 'X-Forwarded-For' && variant.last !== undefined;
  return {
    attack: 'forwarded',
    name: `${name} ${variant.how} from ${from === trustedAddress ? 'a trusted proxy' : 'anyone'}`,
    request: buildRequest({ fields: variant.write(name) }),
    status: 200,
    forwarded: expectForwarded({ chain: isBelieved ? `${variant.last}, ${from}` : from }),
    from,
  };
}

/** A10: claims about the client or the original request. */
export const forwardedCases: readonly AccessCase[] = claims.flatMap((name) =>
  variants.flatMap((variant) => ['127.0.0.1', trustedAddress].map((from) => buildCase(name, variant, from))),
);

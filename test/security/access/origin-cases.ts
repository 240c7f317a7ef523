import { refusedOrigins } from '../../support/refused-origins.ts';
import { allowedOrigin, buildRequest, domain, expectForwarded, type AccessCase } from './access-case.ts';

/** The rule: exactly the own origin and the configured one. */
const allowed: ReadonlySet<string> = new Set([`https://${domain}`, allowedOrigin]);

const methods: readonly (readonly [method: string, fields: string, status: number])[] = [
  ['POST', '', 200],
  ['GET', '', 200],
  ['OPTIONS', 'Access-Control-Request-Method: POST\r\n', 204],
];

function buildCases(name: string, lines: string, isAllowed: boolean): AccessCase[] {
  return methods.map(([method, fields, status]) => ({
    attack: 'origin',
    name: `${method} with ${name}`,
    request: buildRequest({ method, fields: lines + fields }),
    status: isAllowed ? status : 403,
    forwarded: isAllowed && method !== 'OPTIONS' ? expectForwarded({ method }) : undefined,
  }));
}

/** A12: pages of other origins, DNS rebinding. */
export const originCases: readonly AccessCase[] = [
  ...[...refusedOrigins, ...allowed].flatMap((origin) =>
    buildCases(`the origin ${JSON.stringify(origin)}`, `Origin: ${origin}\r\n`, allowed.has(origin)),
  ),
  ...[
    [allowedOrigin, allowedOrigin],
    [allowedOrigin, 'https://evil.example'],
    ['https://evil.example', allowedOrigin],
  ].flatMap((pair) =>
    buildCases(
      `the origins ${pair.join(' and ')}`,
      pair.map((origin) => `Origin: ${origin}\r\n`).join(''),
      false,
    ),
  ),
];

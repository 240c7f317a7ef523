import { createHash } from 'node:crypto';
import { buildRequest, call, expectForwarded, protectedPath, type AccessCase } from './access-case.ts';

interface Parts {
  readonly method?: string;
  readonly target?: string;
  readonly fields?: string;
  readonly status?: number;
}

function refused(name: string, parts: Parts): AccessCase {
  const { status = 401, target = protectedPath, ...rest } = parts;
  return {
    attack: 'credential',
    name,
    request: buildRequest({ target, ...rest }),
    status,
    forwarded: undefined,
  };
}

/** The rule: one credential, in one of two fields, whole and as it was given out; the upstream sees nothing of it. */
export function buildCredentialCases(key: string): readonly AccessCase[] {
  return [...buildMisplacedCases(key), ...buildChangedKeys(key), ...buildMethods(), ...buildAdmitted(key)];
}

/** A good key or token that is not shown as it should be, to the protected path; none of them counts. */
export function buildMisplacedCases(secret: string): readonly AccessCase[] {
  return [...buildOtherPlaces(secret), ...buildOtherForms(secret), ...buildPairs(secret)];
}

/** Where a key does not count, among them where other servers look for one (RFC 6750 sections 2.2 and 2.3). */
function buildOtherPlaces(key: string): AccessCase[] {
  const names = [
    'Proxy-Authorization',
    'X-Authorization',
    'X-Auth-Token',
    'X-Access-Token',
    'X-Forwarded-Authorization',
    'X-Original-Authorization',
    'X-Forwarded-Access-Token',
    'X-Breakwater-Authorization',
    'X-Goog-Api-Key',
    'Api-Key',
    'ApiKey',
    'X-ApiKey',
    'X_API_KEY',
    'X-Api-Key-',
    'X-API-Keys',
    'Authorization-',
    'Authorization_',
    'Authorisation',
    'Authentication',
    'HTTP_AUTHORIZATION',
    'Redirect-Authorization',
    'WWW-Authenticate',
    'Cookie',
    'Cookie2',
    'Token',
    'Bearer',
    'X-User',
    'Remote-User',
    'Mcp-Session-Id',
    'Referer',
    'User-Agent',
    'From',
  ];
  const cases = names.flatMap((name) =>
    [key, `Bearer ${key}`, `access_token=${key}`].map((value) =>
      refused(`the key in ${name} as ${value.replace(key, 'KEY')}`, { fields: `${name}: ${value}\r\n` }),
    ),
  );
  const queries = ['access_token', 'token', 'key', 'api_key', 'apikey', 'x-api-key', 'authorization', 'auth'];
  for (const query of queries)
    cases.push(refused(`the key in the query as ${query}`, { target: `${protectedPath}?${query}=${key}` }));
  for (const target of [`${protectedPath}#${key}`, `http://user:${key}@mcp.example.test${protectedPath}`])
    cases.push(refused(`the key in the target ${target.replace(key, 'KEY')}`, { target, status: 400 }));
  const body = `${call.slice(0, -1)},"access_token":"${key}"}`;
  const request = buildRequest({ target: protectedPath })
    .replace(`Content-Length: ${call.length}`, `Content-Length: ${body.length}`)
    .replace(call, body);
  cases.push({
    attack: 'credential',
    name: 'the key in the body',
    request,
    status: 401,
    forwarded: undefined,
  });
  return cases;
}

/** Ways to write a credential that another reader might understand. */
function buildOtherForms(key: string): AccessCase[] {
  const values = [
    key,
    `Basic ${Buffer.from(`:${key}`).toString('base64')}`,
    `Basic ${Buffer.from(`${key}:`).toString('base64')}`,
    `Basic ${key}`,
    `Token ${key}`,
    `Token token=${key}`,
    `ApiKey ${key}`,
    `DPoP ${key}`,
    `Digest ${key}`,
    `Negotiate ${key}`,
    'Bearer',
    'Bearer ',
    `Bearer${key}`,
    `Bearer\t${key}`,
    `Bearer:${key}`,
    `Bearer=${key}`,
    `Bearer "${key}"`,
    `Bearer '${key}'`,
    `Bearer <${key}>`,
    `Bearer ${key},`,
    `Bearer ,${key}`,
    `Bearer ${key};`,
    `Bearer ${key} ${key}`,
    `Bearer ${key} x`,
    `Bearer x ${key}`,
    `Bearer ${key}, Bearer ${key}`,
    `Basic x, Bearer ${key}`,
    `Bearer x, Bearer ${key}`,
    `Bearer token=${key}`,
    `Bearer token="${key}"`,
    `Bearer Bearer ${key}`,
    `Bearers ${key}`,
    `Beare ${key}`,
    `=?utf-8?B?${Buffer.from(`Bearer ${key}`).toString('base64')}?=`,
    `Bearer ${Buffer.from(key).toString('base64')}`,
    `Bearer ${Buffer.from(key).toString('hex')}`,
    `Bearer ${encodeURIComponent(key).replaceAll(/[a-z]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`,
    `Bearer ${createHash('sha256').update(key).digest('hex')}`,
    `Bearer ${createHash('sha256').update(key).digest('base64url')}`,
    'Bearer null',
    'Bearer undefined',
    'Bearer *',
    'Bearer ../../../etc/passwd',
    "Bearer ' OR '1'='1",
    'Bearer \xe9',
    `Bearer ${'x'.repeat(8000)}`,
    `Bearer ${'x'.repeat(9000)}`,
  ];
  return [
    ...values.map((value) =>
      refused(`Authorization: ${value.replaceAll(key, 'KEY').slice(0, 60)}`, {
        fields: `Authorization: ${value}\r\n`,
      }),
    ),
    ...[`Bearer ${key}`, `"${key}"`, `${key},`, `${key} ${key}`, ` ${key}x`, '', '*'].map((value) =>
      refused(`X-API-Key: ${value.replaceAll(key, 'KEY')}`, { fields: `X-API-Key: ${value}\r\n` }),
    ),
    ...['\0', '\r', '\n', '\x7f', '\x01'].map((odd) =>
      refused(`a control character in it: ${JSON.stringify(odd)}`, {
        fields: `Authorization: Bearer ${key}${odd}\r\n`,
        status: 400,
      }),
    ),
    ...[' :', '\t:'].map((end) =>
      refused(`a space before the colon: ${JSON.stringify(end)}`, {
        fields: `Authorization${end} Bearer ${key}\r\n`,
        status: 400,
      }),
    ),
    refused('on a folded line', { fields: `Authorization:\r\n Bearer ${key}\r\n`, status: 400 }),
    refused('in a field of the largest head', {
      fields: `Authorization: Bearer ${'x'.repeat(20_000)}\r\n`,
      status: 431,
    }),
  ];
}

/** Two credentials: one reader takes the first, another the last. */
function buildPairs(key: string): AccessCase[] {
  const good = `Authorization: Bearer ${key}\r\n`;
  const others = [
    'Authorization: Bearer wrong\r\n',
    'authorization: Basic eDp5\r\n',
    'AUTHORIZATION: \r\n',
    'X-API-Key: wrong\r\n',
    `X-API-Key: ${key}\r\n`,
    'X-API-Key: \r\n',
    good,
  ];
  const pairs = others.flatMap((other) => [good + other, other + good]);
  const keys = [`X-API-Key: ${key}\r\nX-API-Key: ${key}\r\n`, `X-API-Key: ${key}\r\nx-api-key: wrong\r\n`];
  return [...pairs, ...keys].map((fields, index) =>
    refused(`two credentials, ${index}: ${fields.replaceAll(key, 'KEY').trim()}`, { fields }),
  );
}

/** Each character of a key once another one, and other lengths. */
function buildChangedKeys(key: string): AccessCase[] {
  const changed = key.split('').map((char, index) => {
    const other = char === 'a' ? 'b' : 'a';
    return key.slice(0, index) + other + key.slice(index + 1);
  });
  const lengths = [key.slice(1), key.slice(0, -1), `${key}a`, `a${key}`, key + key, key.toUpperCase()];
  return [...changed, ...lengths]
    .filter((text) => text !== key)
    .flatMap((text, index) => [
      refused(`a changed key, ${index}, as Bearer`, { fields: `Authorization: Bearer ${text}\r\n` }),
      refused(`a changed key, ${index}, as X-API-Key`, { fields: `X-API-Key: ${text}\r\n` }),
    ]);
}

/** A stranger gets nowhere by any method. */
function buildMethods(): AccessCase[] {
  const statuses = {
    GET: 401,
    POST: 401,
    DELETE: 401,
    OPTIONS: 204,
    PUT: 405,
    PATCH: 405,
    HEAD: 405,
    TRACE: 400,
  };
  return Object.entries(statuses).map(([method, status]) =>
    refused(`${method} without a key`, { method, status }),
  );
}

/** What counts, so that the refusals above mean something. */
function buildAdmitted(key: string): AccessCase[] {
  const fields = [
    `Authorization: Bearer ${key}\r\n`,
    `AUTHORIZATION: bearer ${key}\r\n`,
    `authorization:BEARER   ${key}\t \r\n`,
    `X-API-Key: ${key}\r\n`,
    `x-api-key:\t${key}\r\n`,
  ];
  return fields.map((line, index) => ({
    attack: 'credential',
    name: `control: the key as it should be, ${index}`,
    request: buildRequest({ target: protectedPath, fields: line }),
    status: 200,
    forwarded: expectForwarded(),
    hasKey: true,
  }));
}

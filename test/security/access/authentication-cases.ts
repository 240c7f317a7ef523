import type { Field } from '../../support/h2-frames.ts';
import {
  buildRequest,
  domain,
  expectForwarded,
  protectedPath,
  publicPath,
  type AccessCase,
} from './access-case.ts';
import { malformedFieldStatus } from '../http2/executable-engine.ts';
import { buildMisplacedCases } from './credential-cases.ts';

/** What opens a route: the value of Authorization, and what must not be seen behind it. */
export interface Opener {
  readonly kind: 'key' | 'token';
  readonly secret: string;
}

const bearer = ({ secret }: Opener): string => `Bearer ${secret}`;

/** A case of an open route once that route is protected: whatever else it tries, it comes no further than the door. */
export function lockCase(entry: AccessCase): AccessCase {
  const name = `without a credential: ${entry.name}`;
  return entry.status === 200 ? { ...entry, name, status: 401, forwarded: undefined } : { ...entry, name };
}

/** The same case with what opens the route: everything is as it was, and the upstream sees nothing of the credential. */
export function unlockCase(entry: AccessCase, opener: Opener): AccessCase {
  const { request } = entry;
  const isText = typeof request === 'string';
  const value = bearer(opener);
  return {
    ...entry,
    name: `with a ${opener.kind}: ${entry.name}`,
    request: isText
      ? request.replace('\r\n', `\r\nAuthorization: ${value}\r\n`)
      : [...request, ['authorization', value]],
    hasKey: true,
  };
}

/** Requests without a credential of their own, on a connection where the right one was just shown. */
export function buildFollowers(opener: Opener): readonly AccessCase[] {
  const good = buildRequest({ target: protectedPath, fields: `Authorization: ${bearer(opener)}\r\n` });
  return [
    { ...refuse('nothing at all', ''), before: [good, good, good] },
    ...buildMisplacedCases(opener.secret).map((entry) => ({ ...entry, before: [good, good, good] })),
  ].map((entry) => ({ ...entry, name: `behind three good requests: ${entry.name}` }));
}

/** Two callers at once, and a credential that the request itself takes back. */
export function buildContradictions(openers: readonly Opener[]): readonly AccessCase[] {
  const lines = openers.flatMap((opener) => [
    `Authorization: ${bearer(opener)}\r\n`,
    `authorization: bearer  ${opener.secret}\r\n`,
    ...(opener.kind === 'key' ? [`X-API-Key: ${opener.secret}\r\n`, `x-api-key:${opener.secret}\r\n`] : []),
  ]);
  const pairs = lines.flatMap((first, at) =>
    lines.map((second, to) => refuse(`two credentials: line ${at} and line ${to}`, first + second)),
  );
  const nominations = lines.flatMap((line, at) =>
    [
      'Connection: authorization, x-api-key\r\n',
      'Connection: close\r\nCONNECTION: X-API-KEY,AUTHORIZATION\r\n',
      'connection:,\tauthorization\t,,x-api-key,\r\n',
    ].flatMap((nomination, how) => [
      refuse(`line ${at} nominated before, ${how}`, nomination + line),
      refuse(`line ${at} nominated behind, ${how}`, line + nomination),
    ]),
  );
  const trailers = lines.map((line, at) => refuseTrailer(`line ${at} as a trailer`, line));
  return [...pairs, ...nominations, ...trailers];
}

function refuse(name: string, fields: string): AccessCase {
  return {
    attack: 'credential',
    name,
    request: buildRequest({ target: protectedPath, fields }),
    status: 401,
    forwarded: undefined,
  };
}

/** Behind the body is too late (RFC 9110 section 6.5.1), and no field of this kind may stand there. */
function refuseTrailer(name: string, line: string): AccessCase {
  const { request, ...rest } = refuse(name, '');
  const [head = '', body = ''] = String(request).split('\r\n\r\n');
  const chunked = head.replace(/Content-Length: \d+/, 'Transfer-Encoding: chunked\r\nTrailer: Authorization');
  return {
    ...rest,
    status: 400,
    request: `${chunked}\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n${line}\r\n`,
  };
}

/** Over HTTP/2, where fields are lists and some have other names. */
export function buildH2Cases(opener: Opener): readonly AccessCase[] {
  const { secret } = opener;
  const value = bearer(opener);
  const path: Field = [':path', protectedPath];
  const authority: Field = [':authority', domain];
  const start = (...rest: readonly Field[]): readonly Field[] => [
    [':method', 'GET'],
    [':scheme', 'https'],
    ...rest,
  ];
  const build = (name: string, status: number, request: readonly Field[]): AccessCase => ({
    attack: 'credential',
    name: `HTTP/2, ${opener.kind}: ${name}`,
    request,
    status,
    forwarded: status === 200 ? expectForwarded({ method: 'GET' }) : undefined,
    hasKey: status === 200,
  });
  const add = (name: string, status: number, ...fields: readonly Field[]): AccessCase =>
    build(name, status, start(path, authority, ...fields));
  return [
    add('as it should be', 200, ['authorization', value]),
    add('another letter case of the scheme', 200, ['authorization', `bEARER ${secret}`]),
    add('nothing', 401),
    add('twice', 401, ['authorization', value], ['authorization', value]),
    add('and an empty one', 401, ['authorization', value], ['authorization', '']),
    add('in both fields', 401, ['authorization', value], ['x-api-key', secret]),
    add('as a cookie', 401, ['cookie', `access_token=${secret}`], ['cookie', `authorization=${value}`]),
    add('for a proxy', 401, ['proxy-authorization', value]),
    add('with an underscore', 401, ['authorization_', value], ['x_api_key', secret]),
    add('in the method override', 401, ['x-http-method-override', 'GET'], ['x-authorization', value]),
    add('without a scheme', 401, ['authorization', secret]),
    add('with a comma', 401, ['authorization', `${value},`]),
    add('joined', 401, ['authorization', `${value}, ${value}`]),
    add('name in capitals', 400, ['Authorization', value]),
    add('as a pseudo field', 400, [':authorization', value]),
    add('name with a blank', malformedFieldStatus, ['authorization ', value]),
    add('name with a colon', malformedFieldStatus, ['authorization:', value]),
    add('blank before', 401, ['authorization', ` ${value}`]),
    add('blank behind', 401, ['authorization', `${value} `]),
    add('line feed behind', malformedFieldStatus, ['authorization', `${value}\n`]),
    add('a line of its own inside', malformedFieldStatus, ['x-any', `x\r\nauthorization: ${value}`]),
    add('NUL inside', malformedFieldStatus, ['authorization', `${value}\0`]),
    add('nominated', 400, ['authorization', value], ['connection', 'authorization']),
    add('in TE', 400, ['te', value]),
    build('in the query', 401, start([':path', `${protectedPath}?access_token=${secret}`], authority)),
    build('in the fragment', 400, start([':path', `${protectedPath}#${secret}`], authority)),
    build('in the authority', 400, start(path, [':authority', `x:${secret}@${domain}`])),
    build('before the path', 400, start(['authorization', value], path, authority)),
    build('in the target', 400, start([':path', `https://x:${secret}@${domain}${publicPath}`], authority)),
  ];
}

import type { Field } from '../../support/h2-frames.ts';
import {
  buildRequest,
  domain,
  expectForwarded,
  extraHost,
  publicPath,
  type AccessCase,
} from './access-case.ts';

/** Host values: ours, others, and what is no authority at all. */
const hosts: readonly string[] = [
  domain,
  'MCP.Example.TEST',
  `${domain}:443`,
  `${domain}:8443`,
  'localhost',
  'localhost:1',
  '127.0.0.1',
  '[::1]',
  '[::1]:443',
  extraHost,
  'proxy',
  'proxy:9001',
  'evil.example',
  `${domain}.evil.example`,
  `evil-${domain}`,
  `${domain}.`,
  `www.${domain}`,
  'mcp.example.tes',
  'example.test',
  '127.0.0.2',
  '127.1',
  '0x7f.1',
  '2130706433',
  '0.0.0.0',
  '10.0.0.1',
  '[::]',
  '[::ffff:127.0.0.1]',
  'localhost.',
  'localhost.evil.example',
  'mcp_example.test',
  '127.0.0.1.evil.example',
  '',
  '*',
  `${domain}, evil.example`,
  `evil.example,${domain}`,
  `${domain} evil.example`,
  `user@${domain}`,
  `${domain}@evil.example`,
  `${domain}:443@evil.example`,
  `${domain}/`,
  `${domain}/mcp`,
  `${domain}#x`,
  `${domain}?x`,
  `https://${domain}`,
  `//${domain}`,
  `${domain}:`,
  `${domain}:443443`,
  `${domain}:443:443`,
  `${domain}:-1`,
  `${domain}:+443`,
  `${domain}:0x1bb`,
  `${domain}: 443`,
  '::1',
  '[::1',
  '[::1]evil',
  '[localhost]',
  `${domain}\\evil.example`,
  `${domain}%00`,
  '%6cocalhost',
  `${domain};x`,
  `"${domain}"`,
  'mcp.ex\xe4mple.test',
];

/** `uri-host [":" port]` of RFC 9110 section 7.2, names and addresses only. */
const authority = /^(?:[\w.-]+|\[[\da-f:.]{2,}\])(?::\d{1,5})?$/i;
const ours: ReadonlySet<string> = new Set([domain, 'localhost', '127.0.0.1', '[::1]']);

/** The rule: one well-formed authority whose name is ours on any port, or one that was configured as it is. */
function toStatus(host: string): number {
  if (!authority.test(host)) return 400;
  const lower = host.toLowerCase();
  return ours.has(lower.replace(/:\d+$/, '')) || lower === extraHost ? 200 : 421;
}

function buildCase(
  name: string,
  request: AccessCase['request'],
  options: { readonly host: string; readonly status?: number; readonly servername?: string },
): AccessCase {
  const { host, status = toStatus(host), servername } = options;
  const method = typeof request === 'string' ? 'POST' : 'GET';
  return {
    attack: 'host',
    name,
    request,
    status,
    forwarded: status === 200 ? expectForwarded({ method, authority: host.toLowerCase() }) : undefined,
    ...(servername === undefined ? {} : { servername }),
  };
}

function buildH2(host: string, ...extra: readonly Field[]): readonly Field[] {
  return [[':method', 'GET'], [':scheme', 'https'], [':path', publicPath], [':authority', host], ...extra];
}

function plain(host: string): string {
  return buildRequest({ host: `Host: ${host}\r\n` });
}

const evil = 'evil.example';

/** A11: whom a request is for, said once or in two ways, over HTTP/1.1, HTTP/2 and with other TLS server names. */
export const hostCases: readonly AccessCase[] = [
  ...hosts.map((host) => buildCase(`Host ${JSON.stringify(host)}`, plain(host), { host })),
  ...hosts.map((host) => buildCase(`:authority ${JSON.stringify(host)}`, buildH2(host), { host })),
  ...[domain, 'localhost', 'proxy', evil].flatMap((servername) =>
    [domain, 'localhost', evil, `${domain}.${evil}`].map((host) =>
      buildCase(`Host ${host} under the server name ${servername}`, plain(host), { host, servername }),
    ),
  ),
  buildCase('no Host', buildRequest({ host: '' }), { host: '', status: 400 }),
  ...[
    [domain, domain],
    [domain, evil],
    [evil, domain],
    [domain, ''],
  ].map((pair) =>
    buildCase(
      `two Hosts: ${pair.join(' and ')}`,
      buildRequest({ host: pair.map((host) => `Host: ${host}\r\n`).join('') }),
      { host: domain, status: 400 },
    ),
  ),
  ...[domain, evil].flatMap((host) =>
    [`https://${host}/mcp`, `http://${host}/mcp`, `//${host}/mcp`].map((target) =>
      buildCase(`the target ${target}`, buildRequest({ target }), {
        host: domain,
        status: target.startsWith('/') ? 404 : 400,
      }),
    ),
  ),
  ...[' ', '\t'].map((space) =>
    buildCase(
      `white space before the colon: ${JSON.stringify(space)}`,
      buildRequest({ host: `Host${space}: ${domain}\r\n` }),
      {
        host: domain,
        status: 400,
      },
    ),
  ),
  buildCase(':authority with another host', buildH2(domain, ['host', evil]), { host: domain, status: 400 }),
  buildCase('host with another :authority', buildH2(evil, ['host', domain]), { host: domain, status: 400 }),
  buildCase(':authority with the same host', buildH2(domain, ['host', domain]), { host: domain }),
];

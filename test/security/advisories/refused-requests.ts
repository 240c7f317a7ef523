/** A request that must be refused, with the statuses that are right. */
export interface RefusedRequest {
  readonly cve: string;
  readonly name: string;
  readonly bytes: string;
  readonly statuses: readonly number[];
}

const body = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const size = body.length.toString(16);
const post = (fields: string, text = body): string =>
  `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${fields}\r\n${text}`;
const chunks = (text: string): string => post('Transfer-Encoding: chunked\r\n', text);
const get = (fields: string, target = '/mcp'): string =>
  `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;
const length = `Content-Length: ${body.length}\r\n`;

const row =
  (cve: string, statuses: readonly number[] = [400]) =>
  (name: string, bytes: string): RefusedRequest => ({ cve, name, bytes, statuses });

const extension = row('CVE-2024-22019');
const obfuscation = row('CVE-2024-27982');
const headEnd = row('CVE-2025-23167');
const count = row('CVE-2026-58044', [431]);
const twin = row('CVE-2026-1525');
const target = row('CVE-2026-21712', [400, 404]);
const coding = row('CVE-2026-22036', [415]);

/** Malformed requests of the advisories on the HTTP/1 parser, llhttp and undici. */
export const refusedRequests: readonly RefusedRequest[] = [
  extension('a chunk extension', chunks(`${size};a=b\r\n${body}\r\n0\r\n\r\n`)),
  extension('1 MiB of chunk extension without end', chunks(`${size};${'a'.repeat(1_048_576)}`)),
  extension('an extension on the last chunk', chunks(`${size}\r\n${body}\r\n0;a\r\n\r\n`)),
  extension('chunks of one byte with an extension each', chunks(`1;a\r\n{\r\n`.repeat(1000))),
  obfuscation('blank before Content-Length', post(`X: y\r\n Content-Length: 0\r\n${length}`)),
  obfuscation('tab before Content-Length', post(`X: y\r\n\tContent-Length: 0\r\n${length}`)),
  obfuscation('blank behind Content-Length', post(`Content-Length : 0\r\n${length}`)),
  obfuscation('blank before the first field', post(length).replace('\r\nHost', '\r\n Host')),
  headEnd('CR and a letter where the head ends', get('\rX: y\r\n')),
  headEnd('CR CR LF where the head ends', post(length).replace('\r\n\r\n', '\r\n\r\r\n') + post(length)),
  headEnd(
    'CR and a request where the head ends',
    post(`${length}\rGET /mcp HTTP/1.1\r\nHost: localhost\r\n`),
  ),
  count(
    '2,001 fields, the last of which rules',
    get(`${'a: b\r\n'.repeat(1999)}Authorization: Bearer x\r\n`),
  ),
  count('one field more than the limit', get('a: b\r\n'.repeat(100))),
  twin('two lengths in two letter cases', post(`${length}content-length: 0\r\n`)),
  twin('two equal lengths in two letter cases', post(`${length}CONTENT-LENGTH: ${body.length}\r\n`)),
  target('//', get('', '//')),
  target('a target of a colon and an at sign', get('', '/:@')),
  target('an unfinished IPv6 address', get('', 'http://[::1')),
  target('a backslash', get('', '/\\')),
  target('half an escape', get('', '/%')),
  target('a port beyond all ports', get('', 'http://localhost:99999999/mcp')),
];

/** Well-formed requests that are refused before their body means anything. */
export const refusedCodings: readonly RefusedRequest[] = [
  coding(
    'a request coded 100 times',
    post(`Content-Encoding: ${Array.from({ length: 100 }, () => 'gzip').join(', ')}\r\n${length}`),
  ),
  coding('a coded request', post(`Content-Encoding: gzip\r\n${length}`)),
];

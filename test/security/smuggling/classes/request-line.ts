import {
  buildHidden,
  get,
  show,
  start,
  toFamily,
  type BaseRequest,
  type Build,
  type Fate,
} from '../base-request.ts';

const methods = [
  'get', 'Get', 'FOO', 'GETX', 'XGET', 'G', '', 'GET\x00', 'G\x00ET', 'GET\t', '\tGET', ' GET', 'GE T', 'GET,POST', 'GET:', '"GET"', 'CONNECT', 'TRACE', 'TRACK', 'PRI', 'PROPFIND',
  'DEBUG', 'GET\x0b', '\x00GET', '\xffGET', 'GET\xa0', '{GET}', '(GET)', 'POST\r', 'M-SEARCH', 'SOURCE', 'HTTP/1.1', 'GET /x HTTP/1.1\nGET',
]; // prettier-ignore
const versions = [
  'HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/3.0', 'HTTP/1.2', 'HTTP/1.9', 'HTTP/01.1', 'HTTP/1.01', 'HTTP/1.10', 'HTTP/11', 'HTTP/1', 'HTTP/1.', 'HTTP/.1', 'HTTP/1,1', 'HTTP/1.1x', 'HTTP/1.1\t',
  'HTTP/1.1 ', ' HTTP/1.1', '\tHTTP/1.1', 'http/1.1', 'Http/1.1', 'HTTP /1.1', 'HTTP/ 1.1', 'HTTP/1 .1', 'HTTPS/1.1', 'HTP/1.1', 'ICY/1.1', 'HTTP/1.1 HTTP/1.1', 'HTTP\\1.1', 'HTTP/1.1\x00', '\x00HTTP/1.1', 'HTTP/+1.1',
  'HTTP/1.-1', 'HTTP/9.9', 'HTTP/1.1\x0b', 'HTTP/1.1\xa0', 'HTTP/a.b', 'HTTP/1.1;', '', 'RTSP/1.0',
]; // prettier-ignore
const targets = [
  'http://localhost/mcp', 'HTTP://localhost/mcp', 'https://localhost/mcp', 'http://evil/mcp', 'http://localhost@evil/mcp', 'http:///mcp', 'http:/mcp', 'http:mcp', 'ws://localhost/mcp', 'file:///mcp', '://mcp',
  'localhost:443', 'localhost/mcp', 'mcp', '*', '', '.', '?', '#', '\\mcp', '[::1]/mcp', 'javascript:1', 'data:,',
  '/mcp#a', '/mcp?#', '/mcp a', '/mcp\ta', '/mcp\x00', '/mcp\x0b', '/mcp\x7f', '/m\x00cp', '/mcp\xe9', '/mcp\xff', '/mcp?\x00', '/mcp?\xe9', '/mcp"', '/mcp<', '/mcp>', '/mcp\\', '/mcp^', '/mcp`', '/mcp{', '/mcp|', '/mcp}', '/mcp[', '/mcp]',
  '/mcp\r', '/mcp\n', '/mcp\r\nX: y\r\n ', `/${'a'.repeat(5000)}`, `/mcp?${'a'.repeat(5000)}`,
]; // prettier-ignore
/** Read without doubt, and then judged by their exact text: those that are not the route are not found. */
const plainTargets = [
  '/mcp?a=http://evil/', '/mcp/', '//mcp', '/mcp/../mcp', '/./mcp', '/mcp/.', '/%6dcp', '/mcp%00', '/mcp%0d%0aX:y', '/mcp%2f', '/MCP', '/mcp;a=b', '/mcp:80', '/mcp@evil', '/', '/mcp??', '/mcp?a=%0d%0a%0d%0aGET',
  '/mcp?HTTP/1.1', "/mcp?'", '/mcp?a=b&a=c', '/..%2fmcp', '/@evil/mcp',
]; // prettier-ignore
const blanks = ['  ', '\t', ' \t', '\x0b', '\x0c', '\xa0', '\r', '\x00', ' \r'];

const hosts = [
  '', 'Host:\r\n', 'Host: \r\n', 'Host: a, b\r\n', 'Host: localhost, localhost\r\n', 'Host: u@localhost\r\n', 'Host: localhost/mcp\r\n', 'Host: localhost?\r\n', 'Host: localhost#\r\n', 'Host: localhost:\r\n', 'Host: localhost:x\r\n',
  'Host: localhost:80:80\r\n', 'Host: localhost:999999\r\n', 'Host: localhost:-1\r\n', 'Host: local host\r\n', 'Host: localhost\x00\r\n', 'Host: \x00localhost\r\n', 'Host: localhost\x0b\r\n', 'Host: local\xffhost\r\n', 'Host: http://localhost\r\n',
  'Host: [::1\r\n', 'Host: ::1\r\n', 'Host: [::1]x\r\n', 'Host: [zz]\r\n', 'Host: []\r\n', 'Host: :443\r\n', 'Host: localhost\\\r\n', 'Host: "localhost"\r\n', 'Host: localhost;\r\n', 'Host: %6cocalhost\r\n', 'Host: localhost%00\r\n',
  'Host : localhost\r\n', ' Host: localhost\r\n', 'Host\t: localhost\r\n', 'Host\x00: localhost\r\n', 'H\xf6st: localhost\r\n', 'Host: localhost\r\nHost: localhost\r\n', 'Host: localhost\r\nHost: evil\r\n', 'Host: evil\r\nhost: localhost\r\n',
  'Host: localhost\r\nHOST: \r\n', 'Host: localhost\r\n Host: evil\r\n', 'Host: localhost\r\n\tevil\r\n', 'Host: localhost\nHost: evil\r\n', 'Host: localhost\rHost: evil\r\n', 'X-Forwarded-Host: localhost\r\n', 'Host_: localhost\r\n',
  'Host: localhost,evil\r\n', 'Host: *\r\n', 'Host: localhost&\r\n',
]; // prettier-ignore
/** Read without doubt; whether the name is one of ours is decided above. */
const plainHosts = [
  'HOST:LOCALHOST\r\n', 'Host: localhost:1\r\n', 'Host: evil\r\n', 'Host: [::1]\r\n', 'Host: 127.0.0.1\r\n', 'Host: localhost.\r\n', 'Host: 0\r\n', 'Host:\tlocalhost\t\r\n', 'Host: localhost\r\nHost_: evil\r\n', 'Host: localhost\r\nX-Host: evil\r\n',
]; // prettier-ignore

export function buildRequestLineClasses(): readonly BaseRequest[] {
  const line = (text: string): Build => start(text);
  return [
    ...toFamily(
      'method',
      methods.map((method) => [show(method), 'refused', line(`${method} /mcp?m=OWN HTTP/1.1`)]),
    ),
    ...toFamily(
      'version',
      versions.map((version) => [show(version), 'refused', line(`GET /mcp?m=OWN ${version}`)]),
    ),
    ...toFamily(
      'target',
      targets.map((target) => [show(target.slice(0, 40)), 'refused', line(`GET ${target} HTTP/1.1`)]),
    ),
    ...toFamily(
      'valid',
      plainTargets.map((target) => [show(target), 'taken', line(`GET ${target} HTTP/1.1`)]),
    ),
    ...toFamily(
      'request line',
      blanks.flatMap((blank): (readonly [string, Fate, Build])[] => [
        [`${show(blank)} after the method`, 'refused', line(`GET${blank}/mcp?m=OWN HTTP/1.1`)],
        [`${show(blank)} before the version`, 'refused', line(`GET /mcp?m=OWN${blank}HTTP/1.1`)],
      ]),
    ),
    ...toFamily(
      'host',
      hosts.map((host) => [show(host), 'refused', start('GET /mcp?m=OWN HTTP/1.1', host)]),
    ),
    ...toFamily(
      'valid',
      plainHosts.map((host) => [show(host), 'taken', start('GET /mcp?m=OWN HTTP/1.1', host)]),
    ),
    ...buildBeginnings(),
  ];
}

/** What stands before a request: the rest of an old one, or of another protocol. */
function buildBeginnings(): readonly BaseRequest[] {
  const before =
    (text: string): Build =>
    (marks) =>
      text + get('')(marks);
  const bad = [
    '\n',
    '\r',
    '\r\n\n',
    '\r\n\r\n',
    '\r\n\r\n\r\n',
    ' \r\n',
    '\0',
    '\x16\x03\x01',
    'x',
    '\r\n ',
    '0\r\n\r\n',
    '\xef\xbb\xbf',
    'X: y\r\n',
    '\t',
    '\x0b\r\n',
  ];
  return [
    ...toFamily(
      'beginning',
      bad.map((text) => [show(text), 'refused', before(text)]),
    ),
    ...toFamily('beginning', [
      ['HTTP/0.9', 'refused', () => 'GET /mcp\r\n\r\n'],
      ['HTTP/0.9, then a request', 'refused', (marks) => `GET /mcp\r\n\r\n${buildHidden(marks)}`],
      ['HTTP/0.9 without a blank', 'refused', () => 'GET/mcp\r\n\r\n'],
      ['preface of HTTP/2', 'refused', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      [
        'a status line',
        'refused',
        (marks) => `HTTP/1.1 200 OK\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n${buildHidden(marks)}`,
      ],
      ['a PROXY header', 'refused', before('PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n')],
    ]),
    ...toFamily('valid', [['one empty line', 'taken', before('\r\n')]]),
  ];
}

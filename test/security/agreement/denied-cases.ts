import { deflateSync, gzipSync } from 'node:zlib';
import { modernBody, modernFields } from './agreement-case.ts';

/** What somebody sends who wants a denied call to run. */
export interface DeniedCase {
  readonly name: string;
  /** Field lines, each with its line end; `Content-Type: application/json` is there unless they hold one. */
  readonly fields: string;
  readonly body: Buffer;
}

interface Target {
  readonly method: string;
  readonly key: string;
  readonly allowed: string;
  readonly denied: string;
}

/** Names are of one length, so that heads do not differ. */
export const targets: readonly Target[] = [
  { method: 'tools/call', key: 'name', allowed: 'select_all', denied: 'delete_all' },
  { method: 'prompts/get', key: 'name', allowed: 'select_one', denied: 'delete_one' },
  { method: 'resources/read', key: 'uri', allowed: 'file:///a', denied: 'file:///b' },
];

/** What a message asks for, as whoever reads it by `JSON.parse` sees it. */
export function toTool(message: unknown): 'allowed' | 'denied' | undefined {
  if (typeof message !== 'object' || message === null) return undefined;
  const { method, params } = message as { method?: unknown; params?: Record<string, unknown> | null };
  const target = targets.find((each) => each.method === method);
  if (target === undefined || typeof params !== 'object') return undefined;
  const name = params?.[target.key];
  if (name === target.denied) return 'denied';
  return name === target.allowed ? 'allowed' : undefined;
}

/** A call, as JSON text. */
export function toCall({ method, key }: Target, name: string): string {
  return `{"jsonrpc":"2.0","id":7,"method":"${method}","params":{"${key}":"${name}"}}`;
}

/** All attacks; each is the start of a call that some reader takes for the denied one. */
export function buildDeniedCases(): readonly DeniedCase[] {
  return targets.flatMap((target) =>
    Object.entries({
      ...buildPlain(target),
      ...buildTwice(target),
      ...buildBatches(target),
      ...buildSyntax(target),
      ...buildBytes(target),
      ...buildHeaders(target),
    }).map(([name, { fields = '', body }]) => ({
      name: `${target.method}: ${name}`,
      fields,
      body: typeof body === 'string' ? Buffer.from(body) : body,
    })),
  );
}

type Attacks = Readonly<Record<string, { readonly fields?: string; readonly body: string | Buffer }>>;

const escapeAll = (text: string): string =>
  text.replaceAll(/[^]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
const escapeFirst = (text: string): string => escapeAll(text.charAt(0)) + text.slice(1);
const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The call itself, spelled as JSON allows. */
function buildPlain(target: Target): Attacks {
  const { method, key, denied } = target;
  const call = toCall(target, denied);
  return {
    'as it is': { body: call },
    'the name escaped': { body: toCall(target, escapeAll(denied)) },
    'one letter of the name escaped': { body: toCall(target, escapeFirst(denied)) },
    'the method escaped': { body: call.replace(method, escapeAll(method)) },
    'the solidus escaped': { body: call.replace(method, method.replace('/', '\\/')) },
    'truncation-smuggling: NUL behind the name': { body: toCall(target, `${denied}\\u0000`) },
    'truncation-smuggling: text behind NUL': { body: toCall(target, `${denied}\\u0000x`) },
    'truncation-smuggling: NUL behind the method': { body: call.replace(method, `${method}\\u0000`) },
    'the key escaped': { body: call.replace(`"${key}"`, `"${escapeAll(key)}"`) },
    'all keys escaped': {
      body: call.replaceAll(/"(\w+)":/g, (_all, name: string) => `"${escapeAll(name)}":`),
    },
    'white space everywhere': { body: call.replaceAll(/([{}:,])(?=")/g, '$1 \t\r\n') },
    'params first': { body: `{"params":{"${key}":"${denied}"},"method":"${method}","id":7,"jsonrpc":"2.0"}` },
    'as a notification': { body: call.replace('"id":7,', '') },
    'with the id null': { body: call.replace('7', 'null') },
    'with a long id': { body: call.replace('7', '1e400') },
    'with much behind it': { body: call.replace('}}', `,"arguments":{"x":"${'x'.repeat(100_000)}"}}}`) },
    'with much before it': { body: call.replace('{"', `{"x":"${'x'.repeat(100_000)}","`) },
    'with a prototype': { body: call.replace('"id"', '"__proto__":{"method":"ping"},"id"') },
    'with another name in the arguments': {
      body: call.replace('}}', `,"arguments":{"${key}":"${target.allowed}"}}}`),
    },
  };
}

/** Members twice: one reader takes the first, another the last, and another one does not mind the letter case. */
function buildTwice(target: Target): Attacks {
  const { method, key, allowed, denied } = target;
  const call = toCall(target, allowed);
  const name = `"${key}":"${allowed}"`;
  const params = `"params":{${name}}`;
  const evilParams = `"params":{"${key}":"${denied}"}`;
  const attacks: Record<string, { body: string }> = {};
  const spellings: readonly (readonly [string, (key: string) => string])[] = [
    ['again', (text) => text],
    ['escaped', escapeFirst],
    ['with a capital', capitalize],
    ['in capitals, escaped', (text) => escapeAll(text.toUpperCase())],
    ['with NUL behind', (text) => `${text}\\u0000`],
    ['with a blank behind', (text) => `${text} `],
  ];
  for (const [how, spell] of spellings) {
    const second = `"${spell(key)}":"${denied}"`;
    const others = evilParams.replace('params', spell('params'));
    const evilMethod = `"${spell('method')}":"${method}"`;
    const ping = toCall(target, denied).replace(`"method":"${method}"`, '"method":"ping"');
    attacks[`the name ${how}, last`] = { body: call.replace(name, `${name},${second}`) };
    attacks[`the name ${how}, first`] = { body: call.replace(name, `${second},${name}`) };
    attacks[`params ${how}, last`] = { body: call.replace(params, `${params},${others}`) };
    attacks[`params ${how}, first`] = { body: call.replace(params, `${others},${params}`) };
    attacks[`the method ${how}, last`] = { body: ping.replace('"ping"', `"ping",${evilMethod}`) };
    attacks[`the method ${how}, first`] = { body: ping.replace('"method"', `${evilMethod},"method"`) };
    if (how !== 'again') attacks[`only the name ${how}`] = { body: call.replace(name, second) };
  }
  return attacks;
}

function buildBatches(target: Target): Attacks {
  const { method, key, denied, allowed } = target;
  const [good, evil] = [toCall(target, allowed), toCall(target, denied)];
  const list = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
  const fields = 'MCP-Protocol-Version: 2025-03-26\r\n';
  return {
    'a batch of one': { body: `[${evil}]` },
    'a batch of one, of its revision': { fields, body: `[${evil}]` },
    'last in a batch': { fields, body: `[${good},${list},${evil}]` },
    'first in a batch': { fields, body: `[${evil},${good}]` },
    'behind a thousand in a batch': { fields, body: `[${`${good},`.repeat(1000)}${evil}]` },
    'as a notification in a batch': { fields, body: `[${good},${evil.replace('"id":7,', '')}]` },
    'a batch in a batch': { fields, body: `[${good},[${evil}]]` },
    'method in a list': { body: evil.replace(`"${method}"`, `["${method}"]`) },
    'name in a list': { body: evil.replace(`"${denied}"`, `["${denied}"]`) },
    'params in a list': { body: evil.replace(`{"${key}":"${denied}"}`, `["${denied}"]`) },
    'params in a list, as an object': { body: evil.replace(/"params":(.*)\}$/, '"params":[$1]}') },
  };
}

/** What only lenient parsers read. */
function buildSyntax(target: Target): Attacks {
  const [good, evil] = [toCall(target, target.allowed), toCall(target, target.denied)];
  return {
    'two documents': { body: good + evil },
    'two documents on two lines': { body: `${good}\n${evil}\n` },
    'two documents with a comma': { body: `${good},${evil}` },
    'two documents with record separators': { body: `\x1e${good}\n\x1e${evil}\n` },
    'two documents with NUL': { body: `${good}\0${evil}` },
    'behind a prefix': { body: `)]}',\n${evil}` },
    'in a callback': { body: `x(${evil})` },
    'with a comma at the end': { body: `${evil.slice(0, -1)},}` },
    'with a comment': { body: `/* ${good} */${evil}` },
    'in a comment to the line end': { body: `// ${good}\n${evil}` },
    'in single quotes': { body: evil.replaceAll('"', "'") },
    'with NaN': { body: evil.replace('7', 'NaN') },
    'with -Infinity': { body: evil.replace('7', '-Infinity') },
  };
}

/** Other bytes for the same text, and the same bytes for another one. */
function buildBytes(target: Target): Attacks {
  const { method, key, allowed, denied } = target;
  const [good, evil] = [toCall(target, allowed), toCall(target, denied)];
  const type = (value: string): string => `Content-Type: ${value}\r\n`;
  const swapped = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
  const utf7 = good.replace('}}', `,"x":"+ACIALAAi-${key}+ACIAOgAi-${denied}"}}`);
  // In the other character set a backslash is the second half of the character before it.
  const shift = good.replace('}}', `,"x":"\u3043\\",\\"${key}\\":\\"${denied}\\",\\"y\\":\\"","z":""}}`);
  const shiftKey = `,"x":"\u3043\\","${key}":"${denied}","y":"`;
  const form = good.replace(
    '"id":7',
    `"id":7,"x":"&method=${method}&params[${key}]=${denied}&id=7&jsonrpc=2.0&y="`,
  );
  return {
    'a byte order mark': { body: `\ufeff${evil}` },
    'UTF-16': { body: Buffer.from(evil, 'utf16le') },
    'UTF-16 with a mark': { body: Buffer.from(`\ufeff${evil}`, 'utf16le') },
    'UTF-16, big endian': { body: swapped(evil) },
    'UTF-16, as its type says': {
      fields: type('application/json; charset=utf-16'),
      body: Buffer.from(`\ufeff${evil}`, 'utf16le'),
    },
    'UTF-32': { body: Buffer.from(evil.replaceAll(/[^]/g, '$&\0\0\0')) },
    'charset-smuggling: UTF-7': { fields: type('application/json; charset=utf-7'), body: utf7 },
    'charset-smuggling: UTF-7 in quotes': { fields: type('application/json;Charset="UTF-7"'), body: utf7 },
    'charset-smuggling: UTF-7 in a second field': {
      fields: type('application/json') + type('application/json; charset=utf-7'),
      body: utf7,
    },
    'charset-smuggling: UTF-7 behind UTF-8': {
      fields: type('application/json; charset=utf-7; charset=utf-8'),
      body: utf7,
    },
    'charset-smuggling: Shift_JIS': {
      fields: type('application/json; charset=shift_jis'),
      body: shift.replace(/,"x".*"z":""/, () => `${shiftKey}"`),
    },
    'form-smuggling': { fields: type('application/x-www-form-urlencoded'), body: form },
    'form-smuggling: of two types': {
      fields: type('application/x-www-form-urlencoded; application/json'),
      body: form,
    },
    gzip: { fields: 'Content-Encoding: gzip\r\n', body: gzipSync(evil) },
    deflate: { fields: 'Content-Encoding: deflate\r\n', body: deflateSync(evil) },
    'gzip behind identity': {
      fields: 'Content-Encoding: identity\r\nContent-Encoding: gzip\r\n',
      body: gzipSync(evil),
    },
    'gzip in a list': { fields: 'Content-Encoding: identity, gzip\r\n', body: gzipSync(evil) },
    'a byte that is none in the text': { body: Buffer.from(evil.replace('"id"', '"\xff":1,"id"'), 'latin1') },
  };
}

/** Headers that say something else than the body, each of the two being the denied one. */
function buildHeaders(target: Target): Attacks {
  const { method, key, allowed, denied } = target;
  const good = modernBody(method, `"${key}":"${allowed}"`);
  const evil = modernBody(method, `"${key}":"${denied}"`);
  const base64 = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`;
  const send = (name: string | undefined, body: string, as: string = method) => ({
    fields: modernFields({ method: as, name }),
    body,
  });
  const legacy = toCall(target, denied);
  return {
    'modern, as it is': send(denied, evil),
    'modern, the name in base64': send(base64(denied), evil),
    'the header names another': send(allowed, evil),
    'the header names another, in base64': send(base64(allowed), evil),
    'the body names another': send(denied, good),
    'the body names another, in base64': send(base64(denied), good),
    'the header names both': send(`${allowed}\r\nMcp-Name: ${denied}`, good),
    'the header names both, the other way': send(`${denied}\r\nmcp-name: ${allowed}`, evil),
    'no name in the header': send(undefined, evil),
    'another method in the header': send(denied, evil, 'ping'),
    'legacy, the header names another': { fields: `Mcp-Name: ${allowed}\r\n`, body: legacy },
    'legacy, the body names another': {
      fields: `Mcp-Method: ${method}\r\nMcp-Name: ${denied}\r\n`,
      body: toCall(target, allowed),
    },
    'legacy, another method in the header': { fields: 'Mcp-Method: ping\r\n', body: legacy },
    'behind a method override': { fields: 'X-HTTP-Method-Override: GET\r\n', body: legacy },
    'as text': { fields: 'Content-Type: text/plain\r\n', body: legacy },
    'as nothing in particular': { fields: 'Content-Type: application/octet-stream\r\n', body: legacy },
    'for an answer': { body: legacy.replace('"id":7', '"id":7,"result":{}') },
  };
}

import { toCase, type AgreementCase, type Fate } from './agreement-case.ts';

const call = '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"a":1}}}';

/** Bodies that two parsers read as two different calls, or one of them not at all. */
export function buildBodyCases(): readonly AgreementCase[] {
  return [
    ...buildKeyCases(),
    ...buildSyntaxCases(),
    ...buildEncodingCases(),
    ...buildShapeCases(),
    ...buildDepthCases(),
    ...buildPlainCases(),
  ];
}

/** A key once more, in four spellings, before and after the first. */
function buildKeyCases(): AgreementCase[] {
  const members = {
    jsonrpc: '"2.0"',
    id: '7',
    method: '"tools/call"',
    params: '{"name":"echo"}',
  };
  const others = { jsonrpc: '"1.0"', id: '8', method: '"tools/list"', params: '{"name":"delete_all"}' };
  const keys = Object.keys(members) as (keyof typeof members)[]; // The keys of a literal.
  const toEscaped = (key: string): string => `\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}`;
  const spellings: readonly (readonly [string, (key: string) => string])[] = [
    ['again', (key) => key],
    ['escaped', toEscaped],
    ['with a capital', (key) => key.charAt(0).toUpperCase() + key.slice(1)],
    ['in capitals, escaped', (key) => toEscaped(key.toUpperCase())],
  ];
  const cases: AgreementCase[] = [];
  for (const key of keys) {
    const rest = keys.map((other) => `"${other}":${members[other]}`).join(',');
    for (const [spelling, spell] of spellings) {
      const second = `"${spell(key)}":${others[key]}`;
      cases.push(
        toCase(`${key} ${spelling}, first`, 'refused', { body: `{${second},${rest}}` }),
        toCase(`${key} ${spelling}, last`, 'refused', { body: `{${rest},${second}}` }),
      );
    }
  }
  for (const [spelling, spell] of spellings) {
    const params = `{"name":"echo","${spell('name')}":"delete_all"}`;
    cases.push(
      toCase(`name ${spelling}`, 'refused', {
        body: `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":${params}}`,
      }),
    );
    const method = `"${spell('method')}":"tools/call"`;
    const fate: Fate = spelling === 'escaped' ? 'passes' : 'refused';
    if (spelling !== 'again') {
      cases.push(
        toCase(`method only ${spelling}`, fate, {
          body: `{"jsonrpc":"2.0","id":7,${method},"params":{"name":"echo"}}`,
        }),
      );
    }
  }
  cases.push(
    toCase('two equal keys deep in the arguments', 'refused', {
      body: call.replace('"a":1', '"a":{"b":1,"b":2}'),
    }),
    toCase('two equal keys, one escaped, in the arguments', 'refused', {
      body: call.replace('"a":1', '"a":1,"\\u0061":2'),
    }),
    toCase('__proto__ with a method', 'passes', {
      body: call.replace('"id":7', '"id":7,"__proto__":{"method":"x"}'),
    }),
    toCase('constructor with a method', 'passes', {
      body: call.replace('"id":7', '"id":7,"constructor":{"prototype":{"method":"x"}}'),
    }),
    toCase('name and method in the arguments', 'passes', {
      body: call.replace('"a":1', '"name":"x","method":"y"'),
    }),
    toCase('key with NUL behind', 'refused', { body: call.replace('"id":7', '"id":7,"method\\u0000":"x"') }),
    toCase('key with NUL behind that is no other one', 'passes', {
      body: call.replace('"id":7', '"id":7,"methods\\u0000":"x"'),
    }),
    toCase('key with a blank behind', 'passes', { body: call.replace('"id":7', '"id":7,"method ":"x"') }),
  );
  return cases;
}

/** What lenient parsers let pass. */
function buildSyntaxCases(): AgreementCase[] {
  const bodies: Readonly<Record<string, string>> = {
    'comma at the end': call.replace('}}}', '},}}'),
    'comma behind the last member': `${call.slice(0, -1)},}`,
    'comment to the line end': `// {"method":"x"}\n${call}`,
    'comment inside': call.replace('"id"', '/* "id" */ "id"'),
    'comment with hash': `# x\n${call}`,
    'single quotes': call.replaceAll('"', "'"),
    'keys without quotes': call.replace('"method"', 'method'),
    NaN: call.replace('7', 'NaN'),
    Infinity: call.replace('7', 'Infinity'),
    '-Infinity': call.replace('7', '-Infinity'),
    undefined: call.replace('7', 'undefined'),
    'hexadecimal number': call.replace('7', '0x7'),
    'leading zero': call.replace('7', '07'),
    'plus sign': call.replace('7', '+7'),
    'point first': call.replace('7', '.7'),
    'point last': call.replace('7', '7.'),
    'exponent without digits': call.replace('7', '7e'),
    'separator in a number': call.replace('7', '7_000'),
    'two documents': `${call}${call}`,
    'two documents on two lines': `${call}\n${call}`,
    'two documents with a comma': `${call},${call}`,
    'junk behind': `${call}x`,
    'brace behind': `${call}}`,
    'NUL behind': `${call}\0`,
    'NUL before': `\0${call}`,
    'NUL inside': call.replace('"id"', '\0"id"'),
    'NUL in the method': call.replace('tools/call', 'tools/call\0'),
    'line feed in the method': call.replace('tools/call', 'tools\n/call'),
    'form feed as space': `\f${call}`,
    'vertical tab as space': `\v${call}`,
    'no-break space': `\u00a0${call}`,
    'line separator': `\u2028${call}`,
    'record separator (RFC 7464)': `\x1e${call}\n`,
    'escape \\x': call.replace('tools/call', '\\x74ools/call'),
    "escape \\'": call.replace('echo', "\\'echo"),
    'half an escape': call.replace('echo', '\\u00'),
    'equals sign': call.replace(':', '='),
    'missing comma': call.replace(',"id"', ' "id"'),
    'no end': call.slice(0, -1),
    'no end of a string': call.slice(0, -20),
    'only blanks': '  ',
    empty: '',
    'prefix against hijacking': `)]}',\n${call}`,
    callback: `x(${call})`,
    'True of Python': call.replace('1', 'True'),
  };
  return Object.entries(bodies).map(([name, body]) => toCase(`syntax: ${name}`, 'refused', { body }));
}

function buildEncodingCases(): AgreementCase[] {
  const insert = (bytes: readonly number[]): Buffer =>
    Buffer.concat([
      Buffer.from(call.replace(/echo.*/, '')),
      Buffer.from(bytes),
      Buffer.from(call.replace(/.*echo/, '')),
    ]);
  const bodies: Readonly<Record<string, Buffer>> = {
    'byte order mark': Buffer.from(`\ufeff${call}`),
    'UTF-16, little endian': Buffer.from(call, 'utf16le'),
    'UTF-16 with mark': Buffer.from(`\ufeff${call}`, 'utf16le'),
    'overlong solidus': insert([0xc0, 0xaf]),
    'overlong NUL': insert([0xc0, 0x80]),
    'surrogate in UTF-8': insert([0xed, 0xa0, 0x80]),
    'beyond Unicode': insert([0xf4, 0x90, 0x80, 0x80]),
    'a continuation alone': insert([0x80]),
    'half a character': insert([0xe2, 0x82]),
    latin1: insert([0xe9]),
    '0xff': insert([0xff]),
  };
  return Object.entries(bodies).map(([name, body]) => toCase(`encoding: ${name}`, 'refused', { body }));
}

/** Members of another type than the call needs, and messages that are two things at once. */
function buildShapeCases(): AgreementCase[] {
  const bodies: Readonly<Record<string, string>> = {
    'method a number': call.replace('"tools/call"', '1'),
    'method null': call.replace('"tools/call"', 'null'),
    'method a list': call.replace('"tools/call"', '["tools/call"]'),
    'method an object': call.replace('"tools/call"', '{"method":"tools/call"}'),
    'no method': '{"jsonrpc":"2.0","id":7}',
    'version 1.0': call.replace('2.0', '1.0'),
    'version a number': call.replace('"2.0"', '2.0'),
    'no version': call.replace('"jsonrpc":"2.0",', ''),
    'method and result': call.replace('"id":7', '"id":7,"result":{}'),
    'method and error': call.replace('"id":7', '"id":7,"error":{"code":1,"message":"x"}'),
    'id an object': call.replace('7', '{}'),
    'id a list': call.replace('7', '[7]'),
    'id true': call.replace('7', 'true'),
    'a string': JSON.stringify(call),
    'a number': '7',
    null: 'null',
    'an empty batch': '[]',
    'a batch in a batch': `[[${call}]]`,
    'a batch with a number': `[${call},7]`,
    'a batch with a wrong entry': `[${call},{"jsonrpc":"2.0"}]`,
    'a batch with a twin': `[${call},${call.replace('"method"', '"Method":"x","method"')}]`,
    'a batch with two methods in one': `[${call.replace('"id"', '"method":"x","id"')}]`,
  };
  return Object.entries(bodies).map(([name, body]) => toCase(`shape: ${name}`, 'refused', { body }));
}

function buildDepthCases(): AgreementCase[] {
  const nest = (open: string, close: string, levels: number): string =>
    call.replace('"a":1', `"a":${open.repeat(levels)}1${close.repeat(levels)}`);
  // Message, params and arguments are the first three of 64.
  return [61, 62, 1000, 100_000, 1_000_000].flatMap((levels) => {
    const fate: Fate = levels <= 61 ? 'passes' : 'refused';
    return [
      toCase(`${levels} lists in the arguments`, fate, { body: nest('[', ']', levels) }),
      toCase(`${levels} objects in the arguments`, fate, { body: nest('{"b":', '}', levels) }),
    ];
  });
}

/** Odd bodies on which all parsers agree. */
function buildPlainCases(): AgreementCase[] {
  const bodies: Readonly<Record<string, string>> = {
    'escapes in the method': call.replace('tools/call', '\\u0074ools\\/call'),
    'escapes in the name': call.replace('echo', '\\u0065\\u0063ho'),
    'white space everywhere': call.replaceAll(/([{}:,])/g, ' \t\r\n$1 \t\r\n'),
    'members in another order':
      '{"params":{"arguments":{},"name":"echo"},"method":"tools/call","id":7,"jsonrpc":"2.0"}',
    'name beyond the basic plane': call.replace('echo', '😀é漢'),
    'name with surrogate escapes': call.replace('echo', '\\ud83d\\ude00'),
    'a huge number': call.replace('1}', '1e400}'),
    'a number of 1,000 digits': call.replace('1}', `${'9'.repeat(1000)}}`),
    'id of 20 digits': call.replace('7', '12345678901234567890'),
    'minus zero': call.replace('1}', '-0}'),
    'a name of 100 characters': call.replace('echo', 'e'.repeat(100)),
    'the method in the text': call.replace('"a":1', '"a":"\\",\\"method\\":\\"x\\""'),
    notification: '{"jsonrpc":"2.0","method":"notifications/initialized"}',
    'a method of its own': call.replace('tools/call', 'x-own/thing'),
  };
  return Object.entries(bodies).map(([name, body]) => toCase(`plain: ${name}`, 'passes', { body }));
}

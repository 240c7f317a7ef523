import { MODERN, modernBody, modernFields, toCase, type AgreementCase, type Fate } from './agreement-case.ts';

const calls = [
  { method: 'tools/call', key: 'name', name: 'echo', other: 'delete_all' },
  { method: 'prompts/get', key: 'name', name: 'greet', other: 'admin' },
  { method: 'resources/read', key: 'uri', name: 'file:///a', other: 'file:///secret' },
] as const;

const base64 = (text: string): string => `=?base64?${Buffer.from(text).toString('base64')}?=`;

/** Headers that name another method, tool or version than the body. */
export function buildHeaderCases(): readonly AgreementCase[] {
  return [...buildMethodCases(), ...buildNameCases(), ...buildVersionCases(), ...buildLegacyCases()];
}

function buildMethodCases(): AgreementCase[] {
  return calls.flatMap(({ method, key, name }) => {
    const body = modernBody(method, `"${key}":"${name}"`);
    const send = (label: string, fate: Fate, value: string | undefined): AgreementCase =>
      toCase(`${method}, Mcp-Method ${label}`, fate, { body, fields: modernFields({ method: value, name }) });
    return [
      send('equal', 'passes', method),
      send('missing', 'mismatch', undefined),
      send('empty', 'mismatch', ''),
      send('of another method', 'mismatch', 'tools/list'),
      send('in capitals', 'mismatch', method.toUpperCase()),
      send('as list', 'mismatch', `${method}, tools/list`),
      send('with a slash more', 'mismatch', `${method}/`),
      send('percent-encoded', 'mismatch', method.replace('/', '%2F')),
      send('in quotes', 'mismatch', `"${method}"`),
      send('in base64', 'mismatch', base64(method)),
      send('with a byte more', 'mismatch', `${method}\xa0`),
      send('twice', 'mismatch', `${method}\r\nMcp-Method: ${method}`),
      send('twice, then another', 'mismatch', `${method}\r\nmcp-method: tools/list`),
      send('and its twin with underscore', 'passes', `${method}\r\nMcp_Method: tools/list`),
    ];
  });
}

function buildNameCases(): AgreementCase[] {
  return calls.flatMap(({ method, key, name, other }) => {
    const body = modernBody(method, `"${key}":"${name}"`);
    const send = (label: string, fate: Fate, value: string | undefined): AgreementCase =>
      toCase(`${method}, Mcp-Name ${label}`, fate, { body, fields: modernFields({ method, name: value }) });
    return [
      send('in base64', 'passes', base64(name)),
      send('missing', 'mismatch', undefined),
      send('empty', 'mismatch', ''),
      send('of another', 'mismatch', other),
      send('of another in base64', 'mismatch', base64(other)),
      send('in capitals', 'mismatch', name.toUpperCase()),
      send('as list', 'mismatch', `${name}, ${other}`),
      send('as JSON', 'mismatch', JSON.stringify(name)),
      send('with a byte more', 'mismatch', `${name}\xe9`),
      send('in base64 without end', 'mismatch', base64(name).slice(0, -2)),
      send('in base64 with other letters', 'mismatch', base64(name).replace('base64', 'BASE64')),
      send('in base64 with a foreign character', 'mismatch', base64(name).replace('?base64?', '?base64?!')),
      send('in base64 that is not UTF-8', 'mismatch', '=?base64?/w==?='),
      send('twice', 'mismatch', `${name}\r\nMcp-Name: ${name}`),
      send('twice, then another', 'mismatch', `${name}\r\nMCP-NAME: ${other}`),
    ];
  });
}

function buildVersionCases(): AgreementCase[] {
  const body = modernBody('tools/call', '"name":"echo"');
  const send = (label: string, fate: Fate, line: string): AgreementCase =>
    toCase(`version ${label}`, fate, { body, fields: `${line}Mcp-Method: tools/call\r\nMcp-Name: echo\r\n` });
  return [
    send('missing', 'mismatch', ''),
    send('of the era before', 'mismatch', 'MCP-Protocol-Version: 2025-11-25\r\n'),
    send('of the future', 'mismatch', 'MCP-Protocol-Version: 2027-01-01\r\n'),
    send('that is none', 'mismatch', 'MCP-Protocol-Version: x\r\n'),
    send('empty', 'mismatch', 'MCP-Protocol-Version:\r\n'),
    send('twice', 'mismatch', `MCP-Protocol-Version: ${MODERN}\r\nMCP-Protocol-Version: ${MODERN}\r\n`),
    send('twice, two', 'mismatch', `MCP-Protocol-Version: ${MODERN}\r\nMcp-Protocol-Version: 2025-11-25\r\n`),
    send('as list', 'mismatch', `MCP-Protocol-Version: ${MODERN}, 2025-11-25\r\n`),
    send('and a session', 'passes', `MCP-Protocol-Version: ${MODERN}\r\nMcp-Session-Id: a\r\n`),
    send(
      'and two sessions',
      'mismatch',
      `MCP-Protocol-Version: ${MODERN}\r\nMcp-Session-Id: a\r\nmcp-session-id: b\r\n`,
    ),
    send(
      'and two event ids',
      'mismatch',
      `MCP-Protocol-Version: ${MODERN}\r\nLast-Event-ID: a\r\nLast-Event-Id: b\r\n`,
    ),
  ];
}

/** Revisions before the headers existed: they may be absent, but not wrong. */
function buildLegacyCases(): AgreementCase[] {
  const body = '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo"}}';
  const batch = `[${body}]`;
  const answer = '{"jsonrpc":"2.0","id":7,"result":{}}';
  const modern = `[${modernBody('tools/call', '"name":"echo"')}]`;
  return [
    toCase('legacy, no header', 'passes', { body }),
    toCase('legacy, right headers', 'passes', {
      body,
      fields: 'Mcp-Method: tools/call\r\nMcp-Name: echo\r\n',
    }),
    toCase('legacy, another method', 'mismatch', { body, fields: 'Mcp-Method: tools/list\r\n' }),
    toCase('legacy, another name', 'mismatch', { body, fields: 'Mcp-Name: delete_all\r\n' }),
    toCase('legacy, two sessions', 'mismatch', {
      body,
      fields: 'Mcp-Session-Id: a\r\nMcp-Session-Id: b\r\n',
    }),
    toCase('legacy, Connection nominates Mcp-Method', 'passes', {
      body,
      fields: 'Mcp-Method: tools/list\r\nConnection: mcp-method\r\n',
    }),
    toCase('batch', 'passes', { body: batch }),
    toCase('batch with Mcp-Method', 'mismatch', { body: batch, fields: 'Mcp-Method: tools/call\r\n' }),
    toCase('batch with Mcp-Name', 'mismatch', { body: batch, fields: 'Mcp-Name: echo\r\n' }),
    toCase('batch with a modern version', 'mismatch', {
      body: batch,
      fields: `MCP-Protocol-Version: ${MODERN}\r\n`,
    }),
    toCase('batch with a modern entry', 'mismatch', {
      body: modern,
      fields: `MCP-Protocol-Version: ${MODERN}\r\n`,
    }),
    toCase('response', 'passes', { body: answer }),
    toCase('response with Mcp-Method', 'mismatch', { body: answer, fields: 'Mcp-Method: tools/call\r\n' }),
    toCase('response with Mcp-Name', 'mismatch', { body: answer, fields: 'Mcp-Name: echo\r\n' }),
  ];
}

import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { buildJsonSchema, sectionSchemas, type JsonSchema } from '../../src/config/schema/document.ts';

const schema = buildJsonSchema();

describe('the JSON Schema', () => {
  it('is draft-07, the newest that yaml-language-server reads', () => {
    expect(schema.$schema).toBe('http://json-schema.org/draft-07/schema#');
    expect(Object.keys(schema.properties ?? {})).toEqual(Object.keys(sectionSchemas));
  });

  it('describes every setting and knows no others', () => {
    const visit = (node: JsonSchema, path: string): void => {
      // Claims have names of their own; what they hold is described all the same.
      const isOpen =
        node.type === 'object' &&
        typeof (node.additionalProperties ?? true) === 'boolean' &&
        node.additionalProperties !== false;
      expect([path, isOpen]).toEqual([path, false]);
      for (const [key, child] of Object.entries(node.properties ?? {})) {
        if (typeof child !== 'object') throw new TypeError(`${path}.${key} is not a schema`);
        expect([`${path}.${key}`, child.description]).toEqual([
          `${path}.${key}`,
          expect.stringMatching(/^[A-Z`].*\.$/),
        ]);
        visit(child, `${path}.${key}`);
      }
      for (const child of [node.items, ...(node.anyOf ?? [])].flat())
        if (typeof child === 'object') visit(child, path);
    };
    visit(schema, '');
  });

  it('needs nothing but the upstream of a route, and of what is given its essential parts', () => {
    const required: unknown[] = [];
    JSON.stringify(schema, (key, node: unknown) => {
      if (key === 'required' && Array.isArray(node)) required.push(node);
      return node;
    });
    expect([...new Set(required.map(String))].sort()).toEqual([
      'ask',
      'ca',
      'cert,key',
      'client_id,allow',
      'command',
      'connections',
      'directory',
      'issuer',
      'issuer,client_id',
      'kid',
      'name',
      'name,sha256',
      'name,subject',
      'per',
      'per,requests',
      'token_endpoint,client_id',
      'upstream',
      'url',
      'url,client_id',
      'when,upstream',
    ]);
  });

  // The schema as another reader of JSON Schema understands it.
  const reader = z.fromJSONSchema(
    JSON.parse(JSON.stringify(schema)) as Parameters<typeof z.fromJSONSchema>[0],
  ); // As an editor reads it.

  it.each([
    'routes: [{ upstream: 8000 }]',
    'listen: 443\nplain_http: false\nroutes: [{ upstream: "unix:/x", auth: none }]',
    `auth: { keys: [{ name: a, sha256: ${'ab'.repeat(32)} }] }`,
    'auth: { certificates: [{ name: ci, subject: "CN=ci" }] }',
    'auth: oauth',
    'auth: { keys: stored, oauth: true }',
    'auth: { oauth: { issuers: ["https://a.example.com", { issuer: "https://b.example.com", algorithms: [EdDSA] }] } }',
    'auth: { oauth: { server: { login: [owner, { github: { client_id: a, allow: { users: [b] } } }] } } }',
    'routes: [{ upstream: 1, rules: [{ allow: [a] }, { deny: true, who: { claims: { team: [blue, 1, true] } } }] }]',
    'routes: [{ upstream: 1, credentials: { jwt: true } }, { upstream: 2, credentials: none }]',
    'limits: { rates: [{ per: tool, requests: 1 }], concurrency: [{ per: client, streams: 1 }] }',
    'tls: { acme: true }',
    'tls: { acme: {}, policy: modern, clients: { ca: a.pem, required: false } }',
    'tls: { acme: { dns: { command: hook }, fallback: [{ directory: zerossl }], on_demand: { ask: "http://a" } } }',
    'limits: { head: 32KiB, fields: 8 }\ntimeouts: { drain: 0s }\nlog: { level: warn, access: off }',
  ])('accepts %j', (text) => {
    expect(reader.safeParse(parse(text)).error).toBeUndefined();
  });

  it.each([
    'lisen: 443',
    'listen: true',
    'routes: [{ path: /mcp }]',
    'timeouts: { head: 10 }',
    'timeouts: { head: 10 s }',
    'limits: { head: 16KB }',
    'limits: { fields: 0 }',
    'log: { level: loud }',
    'auth: { keys: [] }',
    'auth: { certificates: [] }',
    'auth: token',
    'auth: { keys: [{ name: a }] }',
    'auth: { oauth: false }',
    'auth: { oauth: { issuers: [{ issuer: "https://a.example.com", algorithms: [HS256] }] } }',
    'auth: { oauth: { server: { login: [guest] } } }',
    'routes: [{ upstream: 1, rules: [] }]',
    'routes: [{ upstream: 1, rules: [{ allow: false }] }]',
    'routes: [{ upstream: 1, rules: [{ allow: true, who: { groups: [] } }] }]',
    'routes: [{ upstream: 1, credentials: jwt }]',
    'limits: { rates: [{ per: planet, requests: 1 }] }',
    'auth: { certificates: [{ name: ci }] }',
    'tls: { acme: false }',
    'tls: { acme: { challenges: [http-02] } }',
    'tls: { acme: { dns: { wait: 3s } } }',
    'tls: { certificates: [{ cert: a }] }',
    'tls: { clients: {} }',
  ])('refuses %j', (text) => {
    expect(reader.safeParse(parse(text)).success).toBe(false);
  });
});

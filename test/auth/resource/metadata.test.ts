import { expect, test } from 'vitest';
import {
  buildResourceMetadata,
  rootMetadataPath,
  toMetadataPaths,
  toMetadataUrl,
} from '../../../src/auth/resource/metadata.ts';

const resource = new URL('https://mcp.example.com/mcp');

test('the document says who issues tokens for which URL, and never asks for offline access', () => {
  const description = {
    resource,
    authorizationServers: ['https://id.example.com/realms/one'],
    scopes: ['read', 'offline_access', 'write', 'read'],
    name: 'Example tools',
  };
  expect(buildResourceMetadata(description)).toEqual({
    resource: 'https://mcp.example.com/mcp',
    authorization_servers: ['https://id.example.com/realms/one'],
    scopes_supported: ['read', 'write'],
    bearer_methods_supported: ['header'],
    resource_name: 'Example tools',
  });
  expect(buildResourceMetadata({ ...description, name: undefined })).not.toHaveProperty('resource_name');
});

test.each([
  ['https://mcp.example.com/mcp/', 'https://mcp.example.com/mcp'],
  ['https://MCP.example.com:443/mcp?x=1#y', 'https://mcp.example.com/mcp'],
  ['https://mcp.example.com:8443/a/b', 'https://mcp.example.com:8443/a/b'],
  ['https://mcp.example.com/', 'https://mcp.example.com'],
])('the resource at %s is %s', (url, expected) => {
  const description = { resource: new URL(url), authorizationServers: [], scopes: [], name: undefined };
  expect(buildResourceMetadata(description).resource).toBe(expected);
});

test.each([
  ['/mcp', `${rootMetadataPath}/mcp`],
  ['/mcp/', `${rootMetadataPath}/mcp`],
  ['/a/b', `${rootMetadataPath}/a/b`],
  ['/', rootMetadataPath],
])('the metadata of %s is at %s, with and without a slash', (path, expected) => {
  expect(toMetadataPaths(path)).toEqual([expected, `${expected}/`]);
});

test('challenges lead to the document at the path of the resource', () => {
  expect(toMetadataUrl(resource)).toBe(`https://mcp.example.com${rootMetadataPath}/mcp`);
  expect(toMetadataUrl(new URL('https://mcp.example.com'))).toBe(
    `https://mcp.example.com${rootMetadataPath}`,
  );
});

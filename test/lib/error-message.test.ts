import { expect, it } from 'vitest';
import { toErrorMessage } from '../../src/lib/error-message.ts';

it.each([
  [new Error('the disk is full'), 'the disk is full'],
  [new TypeError(''), ''],
  ['a text', 'a text'],
  [undefined, 'undefined'],
  [new URL('https://mcp.example.com/'), 'https://mcp.example.com/'],
])('toErrorMessage tells what %o says', (thrown, message) => {
  expect(toErrorMessage(thrown)).toBe(message);
});

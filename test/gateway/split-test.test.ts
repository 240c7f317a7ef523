import { describe, expect, it } from 'vitest';
import type { SplitCondition } from '../../src/config/split-config.ts';
import { compileSplit } from '../../src/gateway/split-test.ts';
import type { Classification } from '../../src/mcp/classify.ts';
import { scanEnvelope } from '../../src/mcp/envelope.ts';
import type { Era } from '../../src/mcp/revision.ts';

const none: SplitCondition = { eras: [], methods: [], tools: [], prompts: [], resources: [] };
const of = (era: Era): Classification => ({
  kind: 'accepted',
  era,
  revision: era === 'modern' ? '2026-07-28' : '2025-06-18',
  sessionId: undefined,
  lastEventId: undefined,
});

function fits(when: Partial<SplitCondition>, message: object | undefined, era: Era = 'modern'): boolean {
  const text = JSON.stringify({ jsonrpc: '2.0', ...message });
  const envelope = message === undefined ? undefined : scanEnvelope(Buffer.from(text));
  if (envelope?.kind === 'refused') throw new Error('no message');
  return compileSplit({ ...none, ...when })(of(era), envelope);
}

const call = (name: string): object => ({ id: 1, method: 'tools/call', params: { name, arguments: {} } });
const list = { id: 1, method: 'tools/list' };
const read = { id: 1, method: 'resources/read', params: { uri: 'file:///a/b' } };

describe('an entry of split', () => {
  it.each<[string, Partial<SplitCondition>, object | undefined, boolean]>([
    ['a tool', { tools: ['search'] }, call('search'), true],
    ['a tool by a pattern', { tools: ['search_*'] }, call('search_web'), true],
    ['another tool', { tools: ['search'] }, call('searcher'), false],
    ['another letter case', { tools: ['search'] }, call('Search'), false],
    ['a list, of no tool', { tools: ['*'] }, list, false],
    [
      'a prompt, of no tool',
      { tools: ['*'] },
      { id: 1, method: 'prompts/get', params: { name: 'a' } },
      false,
    ],
    ['a prompt', { prompts: ['a'] }, { id: 1, method: 'prompts/get', params: { name: 'a' } }, true],
    ['a resource', { resources: ['file:///a/*'] }, read, true],
    ['a method', { methods: ['tools/list'] }, list, true],
    ['methods by a pattern', { methods: ['tools/*'] }, call('x'), true],
    ['a method and a tool', { methods: ['tools/call'], tools: ['x'] }, call('x'), true],
    ['a method without the tool', { methods: ['tools/call'], tools: ['x'] }, call('y'), false],
    ['one of two kinds', { tools: ['x'], resources: ['*'] }, read, true],
    ['a notification by its method', { methods: ['notifications/*'] }, { method: 'notifications/x' }, true],
    ['an answer by no method', { methods: ['*'] }, { id: 1, result: {} }, false],
    ['no message by no method', { methods: ['*'] }, undefined, false],
    ['no message by the era', { eras: ['modern'] }, undefined, true],
    ['a call without a name', { tools: ['*'] }, { id: 1, method: 'tools/call', params: {} }, false],
  ])('%s', (_name, when, message, expected) => {
    expect(fits(when, message)).toBe(expected);
  });

  it('torn-session: takes no single message of the legacy era, whose sessions belong to one server', () => {
    for (const when of [{ tools: ['*'] }, { methods: ['*'] }, { methods: ['tools/call'], tools: ['x'] }])
      expect(fits(when, call('x'), 'legacy')).toBe(false);
    // The control: the same in the modern era, and all of the legacy one.
    expect(fits({ tools: ['*'] }, call('x'))).toBe(true);
    for (const message of [call('x'), list, undefined]) {
      expect(fits({ eras: ['legacy'] }, message, 'legacy')).toBe(true);
      expect(fits({ eras: ['legacy'] }, message)).toBe(false);
    }
  });
});

import { describe, expect, it } from 'vitest';
import type { Principal } from '../../../src/auth/principal.ts';
import { compileRules, type Decision } from '../../../src/auth/rules/compile.ts';
import { decide, isShown, MAX_NAME_LENGTH, type Question } from '../../../src/auth/rules/decide.ts';
import { openMethods } from '../../../src/auth/rules/open-methods.ts';
import type { Rule } from '../../../src/auth/rules/rule.ts';
import { toCaller, toRule } from './callers.ts';

const alice = toCaller();
const bob = toCaller({ subject: 'bob' });

function ask(rules: readonly Rule[], question: Partial<Question>): Decision {
  const asked: Question = {
    principal: alice,
    method: 'tools/call',
    kind: 'tool',
    name: 'search',
    ...question,
  };
  return decide(compileRules(rules), asked);
}

const toMethod = (method: string): Partial<Question> => ({ method, kind: 'none', name: undefined });
const toResource = (name: string | undefined): Partial<Question> => ({
  method: 'resources/read',
  kind: 'resource',
  name,
});

describe('decide', () => {
  it('denies everything once there is a list', () => {
    expect(ask([], {})).toEqual({ kind: 'deny', rule: undefined });
    expect(ask([], toMethod('initialize'))).toEqual({ kind: 'deny', rule: undefined });
    expect(ask([toRule('allow', { tools: ['other'] })], {})).toEqual({ kind: 'deny', rule: undefined });
  });

  it('lets the first rule that fits decide', () => {
    const rules = [
      toRule('deny', { tools: ['delete_*'] }),
      toRule('allow', { tools: ['*'] }),
      toRule('deny', { tools: ['search'] }),
    ];
    expect(ask(rules, {})).toEqual({ kind: 'allow', rule: 1 });
    expect(ask(rules, { name: 'delete_all' })).toEqual({ kind: 'deny', rule: 0 });
    expect(ask(rules.toReversed(), {})).toEqual({ kind: 'deny', rule: 0 });
  });

  it('asks for all scopes of the rule, and hears no later rule', () => {
    const rules = [
      toRule('allow', { tools: ['search'], scopes: ['a', 'b'] }),
      toRule('allow', { tools: ['search'] }),
    ];
    const needed = { kind: 'scopes', scopes: ['a', 'b'], rule: 0 };
    expect(ask(rules, {})).toEqual(needed);
    expect(ask(rules, { principal: toCaller({ scopes: ['b'] }) })).toEqual(needed);
    expect(ask(rules, { principal: toCaller({ scopes: ['b', 'a', 'c'] }) })).toEqual({
      kind: 'allow',
      rule: 0,
    });
    expect(ask(rules, { principal: undefined })).toEqual(needed);
    // Scopes are not folded, split or matched as patterns.
    expect(ask(rules, { principal: toCaller({ scopes: ['A', 'b', 'a b', '*'] }) })).toEqual(needed);
  });

  it('does not let a scope soften a deny', () => {
    expect(ask([toRule('deny', { scopes: ['a'] })], {})).toEqual({ kind: 'deny', rule: 0 });
  });

  it('keeps tools, prompts and resources of one name apart', () => {
    const prompt: Partial<Question> = { method: 'prompts/get', kind: 'prompt' };
    const rules = [toRule('allow', { tools: ['search'], resources: ['memo:*'] })];
    expect(ask(rules, {}).kind).toBe('allow');
    expect(ask(rules, prompt).kind).toBe('deny');
    expect(ask(rules, toResource('memo:1')).kind).toBe('allow');
    expect(ask(rules, toResource('search')).kind).toBe('deny');
    expect(ask([toRule('allow', { prompts: ['search'] })], prompt).kind).toBe('allow');
    // Completions belong to what they complete.
    expect(
      ask([toRule('allow', { prompts: ['search'] })], { ...prompt, method: 'completion/complete' }).kind,
    ).toBe('allow');
  });

  it('narrows a rule by methods, also together with names', () => {
    const rules = [toRule('allow', { methods: ['resources/*'], resources: ['memo:*'] })];
    expect(ask(rules, toResource('memo:1')).kind).toBe('allow');
    expect(ask(rules, { ...toResource('memo:1'), method: 'completion/complete' }).kind).toBe('deny');
    expect(ask([toRule('allow', { methods: ['tools/call'] })], {}).kind).toBe('allow');
    expect(ask([toRule('allow', { methods: ['Tools/Call', 'tools/*l'] })], {}).kind).toBe('allow');
    expect(ask([toRule('allow', { methods: ['Tools/Call'] })], {}).kind).toBe('deny');
  });

  it('holds unknown methods and tasks to the rules', () => {
    const named = [toRule('allow', { tools: ['*'], prompts: ['*'], resources: ['*'] })];
    for (const method of ['x-own/thing', 'tasks/get', 'tasks/list', 'Initialize', 'notifications/own', '']) {
      expect(ask(named, toMethod(method)).kind).toBe('deny');
    }
    expect(ask([toRule('allow', { methods: ['tasks/*'] })], toMethod('tasks/get')).kind).toBe('allow');
    expect(ask([toRule('allow')], toMethod('x-own/thing')).kind).toBe('allow');
  });
});

describe('callers', () => {
  it.each<[string, Partial<Rule['who']>, Principal | undefined, boolean]>([
    ['everyone', {}, alice, true],
    ['everyone, strangers too', {}, undefined, true],
    ['an id', { principals: ['key:ci'] }, toCaller({ id: 'key:ci' }), true],
    ['another id', { principals: ['key:ci'] }, toCaller({ id: 'key:ci2' }), false],
    ['all keys', { principals: ['key:*'] }, toCaller({ id: 'certificate:key:ci' }), false],
    ['everyone known', { principals: ['*'] }, alice, true],
    ['a stranger by `*`', { principals: ['*'] }, undefined, false],
    ['a stranger by pattern', { principals: ['anonym*'] }, undefined, false],
    ['a stranger by name', { principals: ['anonymous'] }, undefined, true],
    ['subject', { subjects: ['alice'] }, alice, true],
    ['another subject', { subjects: ['alice'] }, bob, false],
    ['subject of one issuer', { subjects: ['alice'], issuers: ['https://other.example.com'] }, alice, false],
    ['a stranger by subject', { subjects: ['*'] }, undefined, false],
    ['client', { clients: ['a', 'app'] }, alice, true],
    ['a key has no client', { clients: ['*'] }, { ...alice, client: undefined }, false],
    ['group', { groups: ['admin*'] }, toCaller({ groups: ['users', 'admins'] }), true],
    ['no group', { groups: ['*'] }, alice, false],
    ['claim', { claims: { dept: ['eng'] } }, toCaller({ claims: { dept: 'eng' } }), true],
    ['claim in a list', { claims: { dept: ['eng'] } }, toCaller({ claims: { dept: ['ops', 'eng'] } }), true],
    ['claim that is a number', { claims: { level: ['3'] } }, toCaller({ claims: { level: 3 } }), true],
    [
      'claim that is a truth',
      { claims: { email_verified: ['true'] } },
      toCaller({ claims: { email_verified: true } }),
      true,
    ],
    [
      'claim by path',
      { claims: { 'realm.roles': ['x'] } },
      toCaller({ claims: { realm: { roles: ['x'] } } }),
      true,
    ],
    [
      'claim with dots in its name',
      { claims: { 'a.b': ['x'] } },
      toCaller({ claims: { 'a.b': 'x', a: { b: 'y' } } }),
      true,
    ],
    ['claim that is an object', { claims: { dept: ['*'] } }, toCaller({ claims: { dept: { a: 1 } } }), false],
    ['claim that is null', { claims: { dept: ['*'] } }, toCaller({ claims: { dept: null } }), false],
    ['no claim', { claims: { dept: ['*'] } }, alice, false],
    [
      'prototype-pollution: no claim of its own',
      { claims: { constructor: ['*'], 'a.constructor.name': ['*'] } },
      toCaller({ claims: { a: {} } }),
      false,
    ],
    ['both claims', { claims: { a: ['1'], b: ['2'] } }, toCaller({ claims: { a: '1', b: '3' } }), false],
  ])('%s', (_case, who, principal, expected) => {
    expect(ask([toRule('allow', { who })], { principal }).kind).toBe(expected ? 'allow' : 'deny');
  });
});

describe('open methods', () => {
  const methods = Object.keys(openMethods);

  it('are open to whoever may do anything, whatever is denied behind it', () => {
    const rules = [toRule('allow', { tools: ['search'], who: { subjects: ['alice'] } }), toRule('deny')];
    for (const method of methods) {
      expect(ask(rules, toMethod(method))).toEqual({ kind: 'allow', rule: 0 });
      expect(ask(rules, { ...toMethod(method), principal: bob })).toEqual({ kind: 'deny', rule: 1 });
    }
  });

  it('are closed to a caller who is denied everything first, or allowed nothing', () => {
    const shutOut = [toRule('deny', { who: { subjects: ['bob'] } }), toRule('allow')];
    expect(ask(shutOut, { ...toMethod('initialize'), principal: bob })).toEqual({ kind: 'deny', rule: 0 });
    expect(ask(shutOut, toMethod('initialize'))).toEqual({ kind: 'allow', rule: 1 });
    const onlyDenied = [toRule('deny', { tools: ['x'] })];
    expect(ask(onlyDenied, toMethod('tools/list'))).toEqual({ kind: 'deny', rule: undefined });
  });

  it('stay open while a scope is missing, so that a client gets as far as the challenge', () => {
    expect(ask([toRule('allow', { tools: ['search'], scopes: ['a'] })], toMethod('initialize')).kind).toBe(
      'allow',
    );
  });

  it('can be closed by their very names', () => {
    const rules = [toRule('deny', { methods: ['logging/setLevel'] }), toRule('allow')];
    expect(ask(rules, toMethod('logging/setLevel'))).toEqual({ kind: 'deny', rule: 0 });
    expect(ask(rules, toMethod('initialize'))).toEqual({ kind: 'allow', rule: 1 });
    const scoped = [toRule('allow', { methods: ['initialize'], scopes: ['a'] })];
    expect(ask(scoped, toMethod('initialize'))).toEqual({ kind: 'scopes', scopes: ['a'], rule: 0 });
    expect(
      ask([toRule('deny', { methods: ['log*'] }), toRule('allow')], toMethod('logging/setLevel')).kind,
    ).toBe('allow');
  });

  it('include no way to a name: a resource that is listened to is decided on', () => {
    const listen: Partial<Question> = { method: 'subscriptions/listen', kind: 'resource', name: 'memo:1' };
    expect(ask([toRule('allow', { tools: ['*'] })], listen).kind).toBe('deny');
    expect(ask([toRule('allow', { resources: ['memo:*'] })], listen).kind).toBe('allow');
  });
});

describe('attacks on names', () => {
  const everything = [toRule('allow')];

  it.each<[string, Partial<Question>]>([
    ['no tool', { name: undefined }],
    ['no prompt', { method: 'prompts/get', kind: 'prompt', name: undefined }],
    ['no resource', toResource(undefined)],
    ['half a surrogate pair', { name: 'search\ud83d' }],
    ['half a surrogate pair in the method', toMethod('x\udc00')],
    ['truncation-smuggling: NUL', { name: 'search\0' }],
    ['truncation-smuggling: NUL in the method', toMethod('tools/call\0')],
    ['too long', { name: 'a'.repeat(MAX_NAME_LENGTH + 1) }],
    ['a method that is too long', toMethod('a'.repeat(MAX_NAME_LENGTH + 1))],
  ])('are denied whatever the rules say: %s', (_case, question) => {
    expect(ask(everything, question)).toEqual({ kind: 'deny', rule: undefined });
  });

  it('control: the same rules allow what is well-formed', () => {
    expect(ask(everything, { name: 'search\u{1f600}' }).kind).toBe('allow');
    expect(ask(everything, { name: 'a'.repeat(MAX_NAME_LENGTH) }).kind).toBe('allow');
    expect(ask(everything, toResource('file:///public/a')).kind).toBe('allow');
  });

  it('path-traversal: an allowed beginning does not carry a URI elsewhere', () => {
    const rules = [toRule('allow', { resources: ['file:///public/*'] })];
    expect(ask(rules, toResource('file:///public/a.txt')).kind).toBe('allow');
    expect(ask(rules, toResource('file:///public/../secret')).kind).toBe('deny');
  });

  it.each(['file:///secret/a', 'FILE:///secret/a', 'file:///%73ecret/a', 'file:///s%65cret/a'])(
    'deny-evasion: %s is the URI that is denied',
    (uri) => {
      const rules = [
        toRule('deny', { resources: ['file:///secret/*'] }),
        toRule('allow', { resources: ['*'] }),
      ];
      expect(ask(rules, toResource(uri))).toEqual({ kind: 'deny', rule: 0 });
      expect(ask(rules, toResource(uri.replace(/[^/]*cret/, 'open'))).kind).toBe('allow');
    },
  );

  it('deny-evasion: a deny means the URI however the rule writes it', () => {
    const rules = [toRule('deny', { resources: ['FILE:///%73ecret/*'] }), toRule('allow')];
    expect(ask(rules, toResource('file:///secret/a'))).toEqual({ kind: 'deny', rule: 0 });
    expect(ask(rules, toResource('FILE:///%73ecret/a'))).toEqual({ kind: 'deny', rule: 0 });
    expect(ask(rules, toResource('file:///open/a')).kind).toBe('allow');
  });

  it('does not allow a URI by its other spelling', () => {
    expect(ask([toRule('allow', { resources: ['file:///a'] })], toResource('FILE:///%61')).kind).toBe('deny');
  });
});

describe('isShown', () => {
  const scopes: Decision = { kind: 'scopes', scopes: ['a'], rule: 0 };
  it('shows what may be called, and what a token could be exchanged for', () => {
    expect(isShown({ kind: 'allow', rule: 0 }, undefined)).toBe(true);
    expect(isShown({ kind: 'deny', rule: 0 }, alice)).toBe(false);
    expect(isShown(scopes, alice)).toBe(true);
    expect(isShown(scopes, toCaller({ method: 'key' }))).toBe(false);
    expect(isShown(scopes, undefined)).toBe(false);
  });
});

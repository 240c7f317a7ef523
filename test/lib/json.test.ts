import { expect, it } from 'vitest';
import { isJsonObject, parseJson, parseJsonObject } from '../../src/lib/json.ts';

it('reads any JSON text, and tells what is none', () => {
  for (const text of ['null', 'false', '0', '""', '[1]', '{"a":null}'])
    expect(parseJson(text)).toEqual(JSON.parse(text));
  for (const text of ['', ' ', 'undefined', '{', '{"a":1}x', "{'a':1}", '\uFEFF{}'])
    expect(parseJson(text)).toBeUndefined();
});

it('takes objects alone for objects', () => {
  expect(parseJsonObject('{"a":[1]}')).toEqual({ a: [1] });
  for (const text of ['null', 'true', '1', '"{}"', '[]', '[{}]', '{"a":'])
    expect(parseJsonObject(text)).toBeUndefined();
  for (const value of [null, undefined, [], 'text', 1, true]) expect(isJsonObject(value)).toBe(false);
  expect(isJsonObject({})).toBe(true);
});

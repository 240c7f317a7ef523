import { describe, expect, it } from 'vitest';
import { isAcceptedByName, readMediaType } from '../../src/http/media-type.ts';

const eventStream = 'text/event-stream';

describe('isAcceptedByName', () => {
  it.each([
    ['application/json, text/event-stream'],
    ['text/event-stream'],
    ['TEXT/Event-Stream ; charset=utf-8;q=0.001'],
    ['application/json;q=0, text/event-stream;q=1.0'],
    ['text/event-stream;q=0.5, text/event-stream;q=0'],
    ['application/json', 'text/event-stream'],
  ])('finds the type in %j', (...values) => {
    const fields = values.flatMap((value) => ['accept', value]);
    expect(isAcceptedByName(['host', 'a', ...fields], eventStream)).toBe(true);
  });

  it.each([
    ['application/json'],
    ['*/*'],
    ['text/*'],
    [''],
    ['text/event-stream;q=0'],
    ['text/event-stream; charset=utf-8; Q=0.000'],
    ['text/event-streams'],
    ['application/json; note=text/event-stream'],
  ])('does not find it in %j', (value) => {
    expect(isAcceptedByName(['accept', value], eventStream)).toBe(false);
  });

  it('looks at no other field', () => {
    expect(isAcceptedByName(['content-type', eventStream], eventStream)).toBe(false);
  });
});

describe('readMediaType', () => {
  it.each([
    ['application/json', 'application/json'],
    ['Application/JSON; charset=utf-8', 'application/json'],
    [' text/html ;x', 'text/html'],
  ])('of %j is %s', (value, type) => {
    expect(readMediaType(['content-type', value])).toBe(type);
  });

  it('is nothing where nothing is said', () => {
    expect(readMediaType(['accept', 'text/html'])).toBeUndefined();
  });
});

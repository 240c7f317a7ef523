import { fieldValue, type Fields } from './exchange.ts';

/** The media type of a body, lower case and without parameters; `undefined` where the head names none. */
export function readMediaType(fields: Fields): string | undefined {
  const type = fieldValue(fields, 'content-type');
  return type === undefined ? undefined : withoutParameters(type);
}

/**
 * Whether `Accept` names this very media type, with a weight above zero (RFC 9110 section 12.5.1). Wildcards do not count: programs
 * send them by default, and take whatever comes for what they expect.
 */
export function isAcceptedByName(fields: Fields, mediaType: string): boolean {
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] !== 'accept') continue;
    const ranges = (fields[index + 1] ?? '').split(',');
    if (ranges.some((range) => withoutParameters(range) === mediaType && !weightOfZero.test(range)))
      return true;
  }
  return false;
}

const weightOfZero = /;\s*q\s*=\s*0(?:\.0*)?\s*(?:;|$)/i;

function withoutParameters(type: string): string {
  const end = type.indexOf(';');
  return (end < 0 ? type : type.slice(0, end)).trim().toLowerCase();
}

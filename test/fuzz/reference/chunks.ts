/** What a decoder of chunked coding has to make of a latin1 text, worked out with patterns on the whole text. */
export type ReferenceChunks =
  | { readonly kind: 'whole'; readonly body: string; readonly used: number }
  | { readonly kind: 'incomplete'; readonly body: string }
  | { readonly kind: 'malformed' };

const MAX_TRAILER_BYTES = 8192;
const malformed: ReferenceChunks = { kind: 'malformed' };

export function readChunks(text: string, skipsTrailers: boolean): ReferenceChunks {
  let at = 0;
  let body = '';
  for (;;) {
    const line = /^([\da-fA-F]{0,8})(\r?\n?)/.exec(text.slice(at, at + 10));
    const digits = line?.[1] ?? '';
    const end = line?.[2] ?? '';
    const seen = digits.length + end.length;
    if (
      at + seen === text.length &&
      '\r\n'.startsWith(end) &&
      end !== '\r\n' &&
      (digits !== '' || end === '')
    ) {
      return { kind: 'incomplete', body };
    }
    if (digits === '' || end !== '\r\n') return malformed;
    at += seen;
    const size = Number.parseInt(digits, 16);
    if (size === 0) return readTrailers(text, { at, body, skipsTrailers });
    body += text.slice(at, at + size);
    const after = text.slice(at + size, at + size + 2);
    if (!'\r\n'.startsWith(after)) return malformed;
    if (after.length < 2) return { kind: 'incomplete', body };
    at += size + 2;
  }
}

function readTrailers(
  text: string,
  from: { readonly at: number; readonly body: string; readonly skipsTrailers: boolean },
): ReferenceChunks {
  const { body, skipsTrailers } = from;
  let { at } = from;
  let bytes = 0;
  for (;;) {
    const line = /^[\t -~\x80-\xff]*/.exec(text.slice(at))?.[0] ?? '';
    bytes += line.length;
    if (line !== '' && (!skipsTrailers || bytes > MAX_TRAILER_BYTES)) return malformed;
    const end = text.slice(at + line.length, at + line.length + 2);
    if (!'\r\n'.startsWith(end)) return malformed;
    if (end.length < 2) return { kind: 'incomplete', body };
    at += line.length + 2;
    if (line === '') return { kind: 'whole', body, used: at };
  }
}

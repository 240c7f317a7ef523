/** Why a body may not mean to a server what its bytes say as JSON in UTF-8. */
export type ForeignForm = 'coding' | 'type';

/**
 * Looks at one field of a request (name in lower case) for a form in which servers read a body as something else than JSON in
 * UTF-8, the only one there is (RFC 8259 section 8.1). `undefined` when it names none.
 */
export function findForeignForm(name: string, value: string): ForeignForm | undefined {
  switch (name) {
    case 'content-encoding':
      return value.toLowerCase() === 'identity' ? undefined : 'coding';
    case 'content-type':
      // As nearly every request has it.
      return value === 'application/json' || (!namesForm(value) && namesUtf8Alone(value))
        ? undefined
        : 'type';
    default:
      return undefined;
  }
}

/** form-smuggling: a string in JSON may hold `&method=...`, which is a field to whoever reads the body as a form. */
function namesForm(type: string): boolean {
  return /form-urlencoded|multipart/i.test(type);
}

const isUtf8 = /^[ \t]*charset="?utf-?8"?[ \t]*$/i;

/**
 * charset-smuggling: `+ACI-` is text in UTF-8 and a quotation mark in UTF-7, which frameworks read when they are told to; another tool
 * would be called than the one that was authorised. Every mention has to be UTF-8, wherever it stands, for parsers differ in which one they take.
 */
function namesUtf8Alone(type: string): boolean {
  return type.split(';').every((part) => !/charset/i.test(part) || isUtf8.test(part));
}

import type { IncomingMessage } from 'node:http';

const MAX_BODY = 32 * 1024;

/** Reads a whole body; `undefined` for one of more than 32 KiB. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= MAX_BODY) chunks.push(chunk);
  }
  return length > MAX_BODY ? undefined : Buffer.concat(chunks).toString('utf8');
}

export type Form = ReadonlyMap<string, string>;

/** Reads a form as browsers send it; `undefined` for anything else, a field that comes twice included. */
export async function readForm(request: IncomingMessage): Promise<Form | undefined> {
  const [type] = (request.headers['content-type'] ?? '').split(';');
  const body = await readBody(request);
  if (body === undefined || type?.trim().toLowerCase() !== 'application/x-www-form-urlencoded')
    return undefined;
  const fields = [...new URLSearchParams(body)];
  const form = new Map(fields);
  return form.size === fields.length ? form : undefined;
}

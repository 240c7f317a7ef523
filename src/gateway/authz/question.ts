import { countField, fieldValue, type Fields, type IncomingRequest } from '../../http/exchange.ts';
import { isKnownMethod } from '../../http/method.ts';

/** What a request to the loopback listener is about. */
export type Question =
  /** A proxy asks whether the request may pass that stands in `asked`. */
  | { readonly kind: 'question'; readonly asked: IncomingRequest }
  /** Something else that is answered there, such as metadata; `asked` is the request under its public authority. */
  | { readonly kind: 'other'; readonly asked: IncomingRequest }
  /** It does not say, or says twice, what it asks about, or names no method that there is. */
  | { readonly kind: 'unclear' };

const PATH = '/authz';
/** How proxies name the request they ask about: nginx by our configuration, Caddy and Traefik by themselves. */
const spellings = [
  { method: 'x-original-method', uri: 'x-original-uri' },
  { method: 'x-forwarded-method', uri: 'x-forwarded-uri' },
] as const;

/**
 * Reads which request a proxy asks about. Envoy puts its path behind `/authz`; the others name it in fields, and pass on those of the
 * client too: whoever wrote a second answer to what is asked (claimed-question) would choose the rule that decides, so two are unclear.
 */
export function readQuestion(request: IncomingRequest): Question {
  const { path, fields } = request;
  const authority = readOnce(fields, 'x-forwarded-host', request.authority)?.toLowerCase();
  if (authority === undefined) return { kind: 'unclear' };
  if (path.startsWith(`${PATH}/`))
    return { kind: 'question', asked: { ...request, authority, path: path.slice(PATH.length) } };
  if (path !== PATH) return { kind: 'other', asked: { ...request, authority } };
  const [named, ...others] = spellings.filter(
    ({ method, uri }) => countField(fields, method) + countField(fields, uri) > 0,
  );
  if (named === undefined || others.length > 0) return { kind: 'unclear' };
  const method = readOnce(fields, named.method);
  const target = readOnce(fields, named.uri);
  // Records name methods as they are: this one was not read by the parser that lets known ones alone pass.
  if (method === undefined || !isKnownMethod(method) || target === undefined) return { kind: 'unclear' };
  const mark = target.indexOf('?');
  const end = mark === -1 ? target.length : mark;
  return {
    kind: 'question',
    asked: { ...request, authority, method, path: target.slice(0, end), query: target.slice(end) },
  };
}

/** The value of a field that stands there once, or the default where there is none. */
function readOnce(fields: Fields, name: string, absent?: string): string | undefined {
  const count = countField(fields, name);
  return count === 0 ? absent : count === 1 ? fieldValue(fields, name) : undefined;
}

import { request } from 'node:http';

/** An answer of the authorization server, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
  /** What a person reads on the page. */
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>> | URLSearchParams;
  readonly body?: string;
}

/** One request over the private socket, as the gateway would relay it. */
export async function askServer(socketPath: string, ask: Ask): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const body = ask.form === undefined ? ask.body : new URLSearchParams(ask.form).toString();
  const type = ask.form === undefined ? undefined : { 'content-type': 'application/x-www-form-urlencoded' };
  const method = ask.method ?? (body === undefined ? 'GET' : 'POST');
  const headers = { host: 'gateway.internal', 'x-forwarded-for': '192.0.2.7', ...type, ...ask.headers };
  const outgoing = request({ socketPath, method, path: ask.path, headers }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: text,
        text: toText(text),
        json: parse(text),
      });
    });
  });
  outgoing.on('error', reject);
  outgoing.end(body);
  return promise;
}

/** A form on a page, ready to be sent. */
export interface PageForm {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Keeps cookies, follows redirects within the server, and sends the forms of its pages. */
export class AuthBrowser {
  readonly #cookies = new Map<string, string>();
  readonly #socketPath: string;
  readonly #issuer: string;
  readonly #path: string[] = [];

  constructor(socketPath: string, issuer: string) {
    this.#socketPath = socketPath;
    this.#issuer = issuer;
  }

  get cookies(): ReadonlyMap<string, string> {
    return this.#cookies;
  }

  /** The paths of all requests so far. */
  get visited(): readonly string[] {
    return this.#path;
  }

  setCookie(name: string, value: string): void {
    this.#cookies.set(name, value);
  }

  /** One request without following anything. */
  async ask(ask: Ask): Promise<Answer> {
    this.#path.push(ask.path);
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { accept: 'text/html', ...(cookie === '' ? undefined : { cookie }), ...ask.headers };
    const answer = await askServer(this.#socketPath, { ...ask, headers });
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) this.#keep(line);
    return answer;
  }

  /** Follows redirects and onward pages as long as they stay here; `location` is set when they lead away. */
  async visit(ask: Ask): Promise<Answer & { readonly location: URL | undefined }> {
    let answer = await this.ask(ask);
    for (let hop = 0; hop < 10; hop += 1) {
      const next = nextOf(answer);
      if (next === undefined) return { ...answer, location: undefined };
      const url = new URL(next, this.#issuer);
      if (url.origin !== this.#issuer) return { ...answer, location: url };
      answer = await this.ask({ path: url.pathname + url.search });
    }
    throw new Error('the redirects do not end');
  }

  /** Sends the form of a page whose action ends like this, with more fields filled in. */
  async submit(
    page: Answer,
    ending: string,
    fields: Readonly<Record<string, string>> = {},
  ): Promise<Answer & { readonly location: URL | undefined }> {
    const form = formsOf(page).find(({ action }) => action.endsWith(ending));
    if (form === undefined) throw new Error(`no form ${ending} on: ${page.body.slice(0, 2000)}`);
    return this.visit({ path: form.action, form: { ...form.fields, ...fields } });
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ');
    const name = pair.slice(0, pair.indexOf('='));
    const value = pair.slice(name.length + 1);
    const isGone = attributes.some((attribute) => /^max-age=0$|^expires=Thu, 01 Jan 1970/i.test(attribute));
    if (isGone || value === '') this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}

function toText(page: string): string {
  const visible = page.replace(/<head>.*<\/head>/s, '').replaceAll(/<[^>]*>/g, ' ');
  return unescape(visible).replaceAll(/\s+/g, ' ').trim();
}

/** The forms of a page with their hidden fields. */
export function formsOf(page: Answer): readonly PageForm[] {
  return [...page.body.matchAll(/<form\s+method="post"\s+action="([^"]*)"[^>]*>(.*?)<\/form>/gs)].map(
    ([, action = '', inside = '']) => ({
      action: unescape(action),
      fields: Object.fromEntries(
        [...inside.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)" ?\/?>/g)].map(
          ([, name = '', value = '']) => [name, unescape(value)],
        ),
      ),
    }),
  );
}

function nextOf(answer: Answer): string | undefined {
  const { location } = answer.headers;
  if (answer.status >= 300 && answer.status < 400 && typeof location === 'string') return location;
  const refresh = /<meta http-equiv="refresh" content="0;url=([^"]*)"/.exec(answer.body)?.[1];
  return refresh === undefined ? undefined : unescape(refresh);
}

function unescape(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

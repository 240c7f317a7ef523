import type { ServerResponse } from 'node:http';
import { styleSource } from './pages/layout.ts';
import type { RedirectTarget } from './redirect-target.ts';

/** Headers of everything this server says; resources for other origins allow themselves more. */
export function setBaseHeaders(response: ServerResponse): void {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Content-Security-Policy', toContentPolicy(undefined));
}

/**
 * Nothing but our own style, never in a frame (clickjacking), and forms go to this server only. Forms whose answer opens an app have to
 * name its scheme, since browsers hold redirects to the policy too.
 */
function toContentPolicy(target: RedirectTarget | undefined): string {
  const app = target?.kind === 'app' ? ` ${target.source}` : '';
  return [
    "default-src 'none'",
    `style-src ${styleSource}`,
    `form-action 'self'${app}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

export interface PageAnswer {
  readonly status: number;
  readonly page: string;
  /** Where the answers to the page's forms may lead. */
  readonly target?: RedirectTarget;
  readonly headers?: Readonly<Record<string, string>>;
}

export function sendPage(response: ServerResponse, answer: PageAnswer): void {
  response.setHeader('Content-Security-Policy', toContentPolicy(answer.target));
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  send(response, answer.status, 'text/html; charset=utf-8', answer.page);
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, status, 'application/json', `${JSON.stringify(body)}\n`);
}

export function sendRedirect(response: ServerResponse, location: string): void {
  response.setHeader('Location', location);
  response.statusCode = 303;
  response.setHeader('Content-Length', 0);
  response.end();
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.statusCode = status;
  response.setHeader('Content-Type', type);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(body);
}

import { hash } from 'node:crypto';
import { Html, markup, type HtmlValue } from '../../../lib/markup.ts';
import { style } from './style.ts';

/** The source for `style-src` that lets in the style of these pages and no other. */
export const styleSource: string = `'sha256-${hash('sha256', style, 'base64')}'`;

export interface PageContent {
  readonly title: string;
  /** The host that people know this server by. */
  readonly host: string;
  readonly body: HtmlValue;
  readonly head?: Html;
}

/** A whole page. */
export function renderPage({ title, host, body, head }: PageContent): string {
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title} – ${host}</title>
        <style>${new Html(style)}</style>
        ${head}
      </head>
      <body>
        <main>
          <p class="host">${host}</p>
          ${body}
        </main>
      </body>
    </html>
`.text;
}

/** A message above a form that says what went wrong. */
export function renderProblem(text: string | undefined): HtmlValue {
  if (text === undefined) return undefined;
  return markup`<div class="note bad" role="alert"><p>${text}</p></div>`;
}

/** A form that posts back to this server. */
export function renderForm(form: {
  readonly action: string;
  readonly token: string;
  readonly body: HtmlValue;
  readonly quiet?: boolean;
}): Html {
  return markup`<form
    method="post"
    action="${form.action}"
    ${form.quiet === true ? markup` class="quiet"` : undefined}
  >
    <input type="hidden" name="token" value="${form.token}" />
    ${form.body}
  </form>`;
}

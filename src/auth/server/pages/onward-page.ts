import { markup } from '../../../lib/markup.ts';
import { renderPage } from './layout.ts';

/**
 * Goes on to another address. An answer to a form that redirected would bind the whole way to the form's `form-action`, also where the
 * next hosts redirect to; from here on it is a plain visit.
 */
export function renderOnwardPage(page: {
  readonly host: string;
  readonly address: string;
  readonly label: string;
}): string {
  return renderPage({
    title: 'One moment',
    host: page.host,
    head: markup`<meta http-equiv="refresh" content="0;url=${page.address}" />`,
    body: markup`<h1>One moment …</h1>
      <p><a href="${page.address}">Go on to ${page.label}</a></p>`,
  });
}

import { renderClientCard, type ClientView } from './client-card.ts';
import { markup } from '../../../lib/markup.ts';
import { renderForm, renderPage, renderProblem } from './layout.ts';

export interface CodePage {
  readonly host: string;
  readonly client: ClientView;
  readonly action: string;
  readonly tokenFor: (form: string) => string;
  readonly problem: string | undefined;
}

/** Asks for the code that stands on the terminal. */
export function renderCodePage(page: CodePage): string {
  return renderPage({
    title: 'Enter the code',
    host: page.host,
    body: markup`<h1>Enter the code from the terminal</h1>
      <p class="soft">It was printed where this server runs, and counts once, for ten minutes.</p>
      ${renderProblem(page.problem)} ${renderClientCard(page.client)}
      ${renderForm({
        action: `${page.action}/code`,
        token: page.tokenFor('code'),
        body: markup`<label for="code">Code</label>
          <input
            class="code"
            id="code"
            name="code"
            autocomplete="one-time-code"
            autocapitalize="characters"
            spellcheck="false"
            required
            maxlength="16"
            aria-describedby="code-hint"
          />
          <p class="hint" id="code-hint">Eight digits and letters; the dash and upper case do not matter.</p>
          <button class="main">Sign in</button>`,
      })}
      ${renderForm({
        action: `${page.action}/owner`,
        token: page.tokenFor('owner'),
        body: markup`<button>Print another code</button>`,
      })}
      ${renderForm({
        action: `${page.action}/deny`,
        token: page.tokenFor('deny'),
        quiet: true,
        body: markup`<button>Cancel</button>`,
      })}`,
  });
}

import { renderClientCard, renderClientWarnings, type ClientView } from './client-card.ts';
import { markup } from '../../../lib/markup.ts';
import { renderForm, renderPage } from './layout.ts';
import { toScopeWords } from './scope-words.ts';

export interface ConsentPage {
  readonly host: string;
  readonly client: ClientView;
  readonly action: string;
  readonly tokenFor: (form: string) => string;
  /** Who is logged in. */
  readonly person: string;
  readonly resources: readonly {
    readonly name: string;
    readonly url: string;
    readonly scopes: readonly string[];
  }[];
  /** The client can stay connected by itself. */
  readonly staysConnected: boolean;
}

/** Asks whether this client may do what it asks for. */
export function renderConsentPage(page: ConsentPage): string {
  const { client, resources } = page;
  return renderPage({
    title: 'Allow access',
    host: page.host,
    body: markup`<h1>Allow ${client.name} to use ${resources.map(({ name }) => name).join(' and ')}?</h1>
      <p class="soft">You are signed in as ${page.person}.</p>
      ${renderClientCard(client)} ${renderClientWarnings(client)}
      <h2>The app will be able to</h2>
      <ul class="scopes">
        ${resources.map(({ name, scopes }) => scopes.map((scope) => markup`<li>${toScopeWords(scope, name)} <code>${scope}</code></li>`))}
        ${page.staysConnected ? markup`<li>Stay connected while you are away, until you or the app end it</li>` : undefined}
      </ul>
      ${renderForm({
        action: `${page.action}/consent`,
        token: page.tokenFor('consent'),
        body: markup`<button class="main">Allow</button>`,
      })}
      ${renderForm({
        action: `${page.action}/deny`,
        token: page.tokenFor('deny'),
        body: markup`<button>Deny</button>`,
      })}
      ${renderForm({
        action: `${page.action}/switch`,
        token: page.tokenFor('switch'),
        quiet: true,
        body: markup`<button>Use another account</button>`,
      })}`,
  });
}

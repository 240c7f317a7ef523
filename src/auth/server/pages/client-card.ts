import type { ClientOrigin } from '../clients.ts';
import type { RedirectTarget } from '../redirect-target.ts';
import { markup, type Html, type HtmlValue } from '../../../lib/markup.ts';

/** A client as people see it before they trust it. */
export interface ClientView {
  readonly name: string;
  readonly origin: ClientOrigin;
  /** The host that vouches for the client: that of its metadata document. */
  readonly documentHost: string | undefined;
  readonly target: RedirectTarget;
}

/** Name, who vouches for it, and where the answer goes: the host is the part that a client cannot make up. */
export function renderClientCard({ name, documentHost, target }: ClientView): Html {
  return markup`<dl class="client">
    <dt>App</dt>
    <dd>${name}</dd>
    <dt>Publisher</dt>
    <dd>${documentHost ?? 'not verified'}</dd>
    <dt>Returns to</dt>
    <dd>${target.label}</dd>
  </dl>`;
}

/** What somebody should know before saying yes. */
export function renderClientWarnings({ origin, target }: ClientView): HtmlValue {
  return [
    origin === 'registration'
      ? renderNote(
          'Nobody has verified this app: it chose its name itself. Go on only if you have just started it.',
        )
      : undefined,
    ...target.warnings.map(renderNote),
  ];
}

function renderNote(text: string): Html {
  return markup`<div class="note"><p>${text}</p></div>`;
}

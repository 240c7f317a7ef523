import type { IncomingMessage, ServerResponse } from 'node:http';
import { errors, type Client, type Interaction, type InteractionResult, type Provider } from 'oidc-provider';
import type { Clock } from '../../lib/clock.ts';
import { isClientIdUrl } from '../client-metadata/client-id.ts';
import { originOf } from './clients.ts';
import { interactionPath } from './flow-cookies.ts';
import type { FormTokens } from './form-tokens.ts';
import { sendPage, sendRedirect } from './page-response.ts';
import type { ClientView } from './pages/client-card.ts';
import { renderOnwardPage } from './pages/onward-page.ts';
import type { Person } from './people.ts';
import { toRedirectTarget, type RedirectTarget } from './redirect-target.ts';

/** One login of one browser for one client, at the step where it stands. */
export interface LoginFlow {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly uid: string;
  readonly details: Interaction;
  readonly client: Client;
  readonly view: ClientView;
  /** The address of the flow's forms, without the last segment. */
  readonly action: string;
  readonly subject: string | undefined;
}

export interface LoginFlows {
  /**
   * The flow that the browser is in, by its cookie; `undefined` when it has none, or it ended. Rejects where nobody can tell, as while
   * the store is away.
   */
  load(request: IncomingMessage, response: ServerResponse, uid: string): Promise<LoginFlow | undefined>;
  tokenFor(flow: LoginFlow, form: string): string;
  isTokenValid(flow: LoginFlow, form: string, token: string | undefined): boolean;
  /** Ends the step: the browser goes on to the provider, which asks for the next one or answers the client. */
  finish(flow: LoginFlow, result: InteractionResult): Promise<void>;
  /** Ends the login step for a person. */
  logIn(flow: LoginFlow, person: Person, method: string): Promise<void>;
  /** Goes to an address that is no answer to a form. */
  sendOnward(response: ServerResponse, address: string, label: string): void;
}

export function createLoginFlows(options: {
  readonly provider: Provider;
  readonly tokens: FormTokens;
  readonly host: string;
  readonly clock: Clock;
  /** Further redirects that are allowed here. */
  readonly redirects: readonly string[];
}): LoginFlows {
  const { provider, tokens, host, clock, redirects } = options;

  function sendOnward(response: ServerResponse, address: string, label: string): void {
    sendPage(response, { status: 200, page: renderOnwardPage({ host, address, label }) });
  }

  async function findDetails(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Interaction | undefined> {
    try {
      return await provider.interactionDetails(request, response);
    } catch (error) {
      if (error instanceof errors.SessionNotFound) return undefined;
      throw error;
    }
  }

  async function finish(flow: LoginFlow, result: InteractionResult): Promise<void> {
    const { request, response, view } = flow;
    const next = await provider.interactionResult(request, response, result, {
      mergeWithLastSubmission: result.login === undefined,
    });
    // Browsers open apps only as the direct consequence of a click.
    if (view.target.kind === 'app') sendRedirect(response, next);
    else sendOnward(response, next, view.name);
  }

  const bind = (flow: LoginFlow, form: string): Parameters<FormTokens['create']>[0] => ({
    uid: flow.uid,
    clientId: flow.client.clientId,
    form,
    subject: flow.subject,
  });

  return {
    finish,
    sendOnward,
    tokenFor: (flow, form) => tokens.create(bind(flow, form)),
    isTokenValid: (flow, form, token) => tokens.isValid(bind(flow, form), token),
    async load(request, response, uid) {
      const details = await findDetails(request, response);
      if (details === undefined || details.uid !== uid) return undefined;
      const client = await provider.Client.find(String(details.params['client_id']));
      if (client === undefined) return undefined;
      const view = toClientView(client, toRedirectTarget(String(details.params['redirect_uri']), redirects));
      const subject = details.session?.accountId;
      return { request, response, uid, details, client, view, action: interactionPath(uid), subject };
    },
    async logIn(flow, { subject }, method) {
      const { details } = flow;
      if (details.session !== undefined && details.session.accountId !== subject) {
        // Somebody else was logged in: that session ends here, and this flow is no part of it.
        const { uid } = details.session;
        details.session = undefined;
        await details.save(details.exp - Math.floor(clock.now() / 1000));
        await (await provider.Session.findByUid(uid))?.destroy();
      }
      await finish(flow, { login: { accountId: subject, remember: true, amr: [method] } });
    },
  };
}

function toClientView(client: Client, target: RedirectTarget): ClientView {
  const { clientId } = client;
  return {
    name: client.clientName ?? 'An app without a name',
    origin: originOf(clientId),
    documentHost: isClientIdUrl(clientId) ? URL.parse(clientId)?.host : undefined,
    target,
  };
}

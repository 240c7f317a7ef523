import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Provider } from 'oidc-provider';
import type { ConsentStep } from './consent-step.ts';
import { flowOf, toProviderCookies } from './flow-cookies.ts';
import type { LoginFlow, LoginFlows } from './login-flow.ts';
import type { LoginSteps } from './login-steps.ts';
import { sendPage } from './page-response.ts';
import { renderErrorPage } from './pages/message-page.ts';
import { readForm } from './request-body.ts';
import { interactionPath } from './flow-cookies.ts';
import { serverPaths } from './server-metadata.ts';
import type { ServerEvent } from './server-options.ts';
import type { UpstreamFlow } from './upstream-flow.ts';

export interface InteractionPages {
  /** Answers `/oauth/interaction/<uid>` and the forms below it. */
  answer(request: IncomingMessage, response: ServerResponse, visit: Visit): Promise<void>;
  /** Answers the way back from a login provider. */
  comeBack(request: IncomingMessage, response: ServerResponse, visit: Visit): Promise<void>;
}

export interface Visit {
  readonly url: URL;
  readonly address: string;
}

/** Leads through login and consent. Each form must carry the token of its flow, and come from our own pages. */
export function createInteractionPages(options: {
  readonly provider: Provider;
  readonly flows: LoginFlows;
  readonly steps: LoginSteps;
  readonly consent: ConsentStep;
  readonly upstream: UpstreamFlow;
  readonly host: string;
  readonly onEvent: (event: ServerEvent) => void;
}): InteractionPages {
  const { provider, flows, steps, consent, upstream, host, onEvent } = options;

  function sendError(response: ServerResponse, status: number, code: string, text: string): void {
    const title = status === 403 ? 'This form cannot be used' : 'This sign-in has ended';
    sendPage(response, { status, page: renderErrorPage({ host, title, text, code }) });
  }

  const sendEnded = (response: ServerResponse): void =>
    sendError(
      response,
      400,
      'invalid_request',
      'It took too long, or it began in another browser. Start again in the app.',
    );

  async function deny(flow: LoginFlow): Promise<void> {
    onEvent({ kind: 'consent-denied', text: `${flow.subject ?? 'nobody'} denies ${flow.client.clientId}` });
    await flows.finish(flow, { error: 'access_denied', error_description: 'the user said no' });
  }

  /** Ends the session and begins the request anew, so that the next person starts from nothing. */
  async function switchAccount(flow: LoginFlow): Promise<void> {
    const { details, response } = flow;
    if (details.session !== undefined)
      await (await provider.Session.findByUid(details.session.uid))?.destroy();
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(details.params)) {
      for (const entry of typeof value === 'string' ? [value] : (value ?? [])) query.append(name, entry);
    }
    flows.sendOnward(response, `${serverPaths.authorize}?${query.toString()}`, 'the sign-in');
  }

  async function show(flow: LoginFlow, page: string): Promise<void> {
    if (flow.details.prompt.name === 'consent') return consent.show(flow);
    if (page === 'code') return steps.showCode(flow);
    steps.showLogin(flow);
  }

  async function take(flow: LoginFlow, action: string, visit: Visit): Promise<void> {
    const form = await readForm(flow.request);
    const site = flow.request.headers['sec-fetch-site'];
    const isOwn = site === undefined || site === 'same-origin';
    if (form === undefined || !isOwn || !flows.isTokenValid(flow, action, form.get('token'))) {
      return sendError(
        flow.response,
        403,
        'invalid_form',
        'It is too old, or it did not come from this server.',
      );
    }
    const isLogin = flow.details.prompt.name === 'login';
    const chosen = /^with-(\d)$/.exec(action)?.[1];
    if (action === 'deny') return deny(flow);
    if (isLogin && chosen !== undefined) return steps.leave(flow, Number(chosen));
    if (isLogin && action === 'password') return steps.password(flow, form, visit.address);
    if (isLogin && action === 'owner') return steps.owner(flow, visit.address);
    if (isLogin && action === 'code') return steps.code(flow, form, visit.address);
    if (!isLogin && action === 'consent') return consent.allow(flow);
    if (!isLogin && action === 'switch') return switchAccount(flow);
    sendError(flow.response, 403, 'invalid_form', 'It belongs to another step of the sign-in.');
  }

  return {
    async answer(request, response, visit) {
      const uid = flowOf(visit.url.pathname) ?? '';
      const flow = await flows.load(request, response, uid);
      if (flow === undefined) return sendEnded(response);
      const action = visit.url.pathname.slice(interactionPath(uid).length + 1);
      if (request.method === 'POST') await take(flow, action, visit);
      else await show(flow, action);
    },
    async comeBack(request, response, visit) {
      const state = visit.url.searchParams.get('state') ?? '';
      const returning = await upstream.takeState(state);
      if (returning === undefined) return sendEnded(response);
      // The state alone does not do: it must be the browser that left (login CSRF).
      request.headers.cookie = toProviderCookies(request.headers.cookie, returning.uid);
      const flow = await flows.load(request, response, returning.uid);
      if (flow === undefined || flow.details.prompt.name !== 'login') return sendEnded(response);
      const person = await upstream.arrive(returning, visit.url);
      if (person === undefined) {
        return steps.showLogin(flow, {
          status: 403,
          text: 'The sign-in did not succeed, or you have no access here.',
        });
      }
      await steps.enter(flow, person, 'fed');
    },
  };
}

import type { InteractionDetails, Provider } from 'oidc-provider';
import type { Consents } from './consents.ts';
import type { LoginFlow, LoginFlows } from './login-flow.ts';
import { sendPage } from './page-response.ts';
import { renderConsentPage } from './pages/consent-page.ts';
import type { People } from './people.ts';
import { findResource } from './provider-configuration.ts';
import type { ProtectedResource, ServerEvent } from './server-options.ts';

export interface ConsentStep {
  show(flow: LoginFlow): Promise<void>;
  /** Grants what the page named. */
  allow(flow: LoginFlow): Promise<void>;
}

/** The question whether a client may do what it asks for, asked per client, person and place where the answer goes. */
export function createConsentStep(options: {
  readonly provider: Provider;
  readonly flows: LoginFlows;
  readonly consents: Consents;
  readonly people: People;
  readonly resources: readonly ProtectedResource[];
  readonly host: string;
  readonly onEvent: (event: ServerEvent) => void;
}): ConsentStep {
  const { provider, flows, consents, people, resources, host, onEvent } = options;

  return {
    async show(flow) {
      const person = await people.find(flow.subject ?? '');
      const asked = resourcesOf(flow.details.prompt.details).map(({ indicator, scopes }) => {
        const resource = findResource(resources, indicator);
        return { name: resource?.name ?? indicator, url: resource?.url ?? indicator, scopes };
      });
      const page = renderConsentPage({
        host,
        client: flow.view,
        action: flow.action,
        tokenFor: (form) => flows.tokenFor(flow, form),
        person: person?.profile.name ?? flow.subject ?? '',
        resources: asked,
        staysConnected: flow.client.grantTypeAllowed('refresh_token'),
      });
      sendPage(flow.response, { status: 200, page, target: flow.view.target });
    },
    async allow(flow) {
      const { details, client, subject } = flow;
      if (subject === undefined) return;
      const { clientId } = client;
      const grant = new provider.Grant({ accountId: subject, clientId });
      grant.addOIDCScope((details.prompt.details.missingOIDCScope ?? []).join(' '));
      const redirectUri = String(details.params['redirect_uri']);
      for (const { indicator, scopes } of resourcesOf(details.prompt.details)) {
        grant.addResourceScope(indicator, scopes.join(' '));
        await consents.remember({ subject, clientId, redirectUri, resource: indicator, scopes });
      }
      onEvent({ kind: 'consent', text: `${subject} allows ${clientId}` });
      await flows.finish(flow, { consent: { grantId: await grant.save() } });
    },
  };
}

function resourcesOf(
  details: InteractionDetails,
): readonly { readonly indicator: string; readonly scopes: readonly string[] }[] {
  return Object.entries(details.missingResourceScopes ?? {}).map(([indicator, scopes]) => ({
    indicator,
    scopes,
  }));
}

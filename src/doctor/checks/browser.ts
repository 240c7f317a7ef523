import { fault, pass, skip, type Check } from '../check.ts';
import type { Facts } from '../facts.ts';
import {
  findAnswer,
  findExchange,
  isAccepted,
  isRefused,
  isServed,
  onAnswer,
  refusalVerdict,
  show,
} from '../reading.ts';

const security = 'MCP 2025-11-25 Transports, Security Warning';
const cors = 'Fetch Standard, CORS protocol';

/** What pages of browsers may do: origins, hosts, CORS. */
export const browserChecks: readonly Check[] = [
  {
    id: 'mcp-foreign-origin',
    layer: 'mcp',
    severity: 'error',
    title: 'pages of strangers are refused',
    why: 'any web page can call tools with what the browser of its reader may reach (DNS rebinding)',
    reference: security,
    advice: 'answer 403 where `Origin` names another origin than the own ones',
    requirement: 'origin-guard',
    cap: 'D',
    judge: onAnswer('initialize-foreign-origin', (answer, exchange, facts) => {
      if (answer.status === 401) return skip('the credential is asked for before the origin is looked at');
      if (!isServed(facts)) return skip('the endpoint does not serve this caller');
      return refusalVerdict(exchange, {
        seen: `a page of \`${exchange.sent['origin'] ?? ''}\` is served (${answer.status})`,
        fields: ['origin'],
      });
    }),
  },
  {
    id: 'mcp-null-origin',
    layer: 'mcp',
    severity: 'warning',
    title: 'pages without an origin are refused',
    why: 'a sandboxed frame, or a file that somebody was sent, has the origin `null`',
    reference: security,
    advice: 'answer 403 to `Origin: null` too',
    requirement: 'origin-guard',
    judge: onAnswer('initialize-null-origin', (answer, exchange, facts) => {
      if (answer.status === 401) return skip('the credential is asked for before the origin is looked at');
      if (!isServed(facts)) return skip('the endpoint does not serve this caller');
      return refusalVerdict(exchange, { seen: '`Origin: null` is served', fields: ['origin'] });
    }),
  },
  {
    id: 'proxy-own-origin-refused',
    layer: 'proxy',
    severity: 'warning',
    title: 'pages of the own origin are served',
    why: 'a client that runs in a browser on the same host is shut out',
    reference: security,
    advice: 'allow the public origin, or delete `Origin` before the server once the front has looked at it',
    requirement: 'origin-guard',
    judge: onAnswer('initialize-origin', (answer, exchange, facts) => {
      if (!isServed(facts)) return skip('the endpoint does not serve this caller');
      return isAccepted(answer)
        ? pass()
        : fault(
            `a page of \`${exchange.sent['origin'] ?? ''}\` gets ${answer.status}`,
            show(exchange, ['origin']),
          );
    }),
  },
  {
    id: 'proxy-host-refused',
    layer: 'proxy',
    severity: 'error',
    title: 'the server takes the public name for its own',
    why: 'a server that guards against DNS rebinding answers 421 or 403 to a Host it does not know',
    reference: security,
    advice: 'give the server a Host that it knows, or tell it the public name',
    requirement: 'host-header',
    judge: onAnswer('initialize', ({ status, body }, exchange) =>
      status === 421 || /invalid host/i.test(body.slice(0, 500))
        ? fault(
            `\`initialize\` was answered with ${status}: the server does not know the name \`${hostOf(exchange.url)}\``,
            [...show(exchange), `< ${body.slice(0, 120)}`],
          )
        : pass(),
    ),
  },
  {
    id: 'proxy-foreign-host',
    layer: 'proxy',
    severity: 'warning',
    title: 'requests for other hosts are refused',
    why: 'a page of a stranger can reach the server through a name of its own (DNS rebinding)',
    reference: security,
    advice: 'answer 421 or 404 where `Host` is not the public name',
    requirement: 'host-guard',
    judge: onAnswer('initialize-foreign-host', (answer, exchange, facts) => {
      if (answer.status === 401)
        return fault('the host `attacker.invalid` is asked for a credential', show(exchange, ['host']));
      if (!isServed(facts)) return skip('the endpoint does not serve this caller');
      return refusalVerdict(exchange, { seen: 'the host `attacker.invalid` is served', fields: ['host'] });
    }),
  },
  {
    id: 'proxy-cors-credentials',
    layer: 'proxy',
    severity: 'error',
    title: 'no page of a stranger may send credentials',
    why: 'any web page acts as whoever is logged in with a cookie or a client certificate',
    reference: cors,
    advice: 'name the origins that may call, or leave `Access-Control-Allow-Credentials` out',
    requirement: 'cors',
    cap: 'D',
    judge(facts) {
      const found = findAllowing(facts, ({ origin, credentials }) => origin !== undefined && credentials);
      return typeof found === 'string'
        ? skip(found)
        : found === undefined
          ? pass()
          : fault('a stranger’s origin is allowed, with credentials', found);
    },
  },
  {
    id: 'proxy-cors-any',
    layer: 'proxy',
    severity: 'info',
    title: 'only listed origins may read answers',
    why: 'any web page may read what the endpoint answers to the browser of its reader',
    reference: cors,
    advice: 'name the origins that may call',
    requirement: 'cors',
    judge(facts) {
      const found = findAllowing(facts, ({ origin, credentials }) => origin !== undefined && !credentials);
      return typeof found === 'string'
        ? skip(found)
        : found === undefined
          ? pass()
          : fault('every origin is allowed', found);
    },
  },
  {
    id: 'proxy-cors-twice',
    layer: 'proxy',
    severity: 'error',
    title: '`Access-Control-Allow-Origin` has one value',
    why: 'browsers refuse an answer with two, so that no client in a browser works',
    reference: cors,
    advice: 'let either the front or the server answer CORS, and delete what the other says',
    requirement: 'cors',
    judge(facts) {
      const twice = (
        ['initialize-origin', 'initialize-foreign-origin', 'preflight', 'preflight-foreign'] as const
      )
        .map((name) => findExchange(facts, name))
        .find(
          (each) =>
            each?.outcome === 'answered' &&
            each.answer.fields['access-control-allow-origin']?.includes(',') === true,
        );
      if (twice !== undefined)
        return fault(
          '`Access-Control-Allow-Origin` comes twice',
          show(twice, ['origin', 'access-control-allow-origin']),
        );
      return findAnswer(facts, 'preflight') === undefined ? skip('no preflight was answered') : pass();
    },
  },
  {
    id: 'proxy-cors-hidden',
    layer: 'proxy',
    severity: 'warning',
    title: 'pages that may call may read the headers that they need',
    why: 'a client in a browser cannot read `Mcp-Session-Id`, so that its second call fails, or `WWW-Authenticate`, so that it cannot log in',
    reference: cors,
    advice: 'send `Access-Control-Expose-Headers: Mcp-Session-Id, MCP-Protocol-Version, WWW-Authenticate`',
    requirement: 'cors',
    judge(facts) {
      const exchange = (['initialize-foreign-origin', 'initialize-origin'] as const)
        .map((name) => findExchange(facts, name))
        .find(
          (each) =>
            each?.outcome === 'answered' && each.answer.fields['access-control-allow-origin'] !== undefined,
        );
      if (exchange?.outcome !== 'answered') return skip('no origin is allowed to read answers');
      const exposed = exchange.answer.fields['access-control-expose-headers']?.toLowerCase() ?? '';
      const missing = ['mcp-session-id', 'www-authenticate'].filter((name) => !exposed.includes(name));
      return missing.length === 0 || exposed === '*'
        ? pass()
        : fault(
            `not to be read: ${missing.map((name) => `\`${name}\``).join(', ')}`,
            show(exchange, ['origin', 'access-control-allow-origin', 'access-control-expose-headers']),
          );
    },
  },
  {
    id: 'proxy-cors-headers',
    layer: 'proxy',
    severity: 'warning',
    title: 'pages that may call may send the headers of MCP',
    why: 'the browser refuses to send the call after the preflight',
    reference: cors,
    advice:
      'allow `Authorization, Content-Type, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name, Last-Event-ID`',
    requirement: 'cors',
    judge(facts) {
      const exchange = (['preflight', 'preflight-foreign'] as const)
        .map((name) => findExchange(facts, name))
        .find(
          (each) =>
            each?.outcome === 'answered' && each.answer.fields['access-control-allow-origin'] !== undefined,
        );
      if (exchange?.outcome !== 'answered') return skip('no origin is allowed to call');
      const allowed = exchange.answer.fields['access-control-allow-headers']?.toLowerCase() ?? '';
      const needed = ['authorization', 'content-type', 'mcp-protocol-version', 'mcp-session-id'];
      const missing = needed.filter(
        (name) => !allowed.includes(name) && (allowed !== '*' || name === 'authorization'),
      );
      return missing.length === 0
        ? pass()
        : fault(
            `not allowed: ${missing.map((name) => `\`${name}\``).join(', ')}`,
            show(exchange, ['origin', 'access-control-allow-headers']),
          );
    },
  },
  {
    id: 'proxy-preflight-refused',
    layer: 'proxy',
    severity: 'warning',
    title: 'preflights need no credential',
    why: 'browsers send none with a preflight, so that no client in a browser can call',
    reference: cors,
    advice: 'answer OPTIONS before access control',
    requirement: 'cors',
    judge: onAnswer('preflight', ({ status }, exchange, facts) => {
      const reads =
        findAnswer(facts, 'initialize-origin')?.fields['access-control-allow-origin'] !== undefined;
      if (status === 401 && (reads || isRefused(facts)))
        return fault('a preflight is asked for a credential (401)', show(exchange, ['origin']));
      return reads && !isAccepted({ ...exchange.answer, status })
        ? fault(`answers may be read, and the preflight gets ${status}`, show(exchange, ['origin']))
        : pass(`answered ${status}`);
    }),
  },
  {
    id: 'proxy-cookie-affinity',
    layer: 'proxy',
    severity: 'warning',
    title: 'sessions do not hang on a cookie',
    why: 'clients of MCP keep no cookies: each call may reach another server, which does not know the session',
    reference: 'MCP 2025-11-25 Transports, Session Management',
    advice: 'choose the server by `Mcp-Session-Id` instead of a cookie',
    requirement: 'session-affinity',
    judge: onAnswer('initialize', ({ fields }, exchange) => {
      const cookie =
        /(?:^|, )(AWSALB\w*|SERVERID|INGRESSCOOKIE|route|sticky\w*|lb\w*|srv\w*|_?backend\w*|traefik\w*|envoy\w*)=/i.exec(
          fields['set-cookie'] ?? '',
        );
      return cookie === null
        ? pass()
        : fault(`a cookie \`${cookie[1] ?? ''}\` is to choose the server`, show(exchange, ['set-cookie']));
    }),
  },
];

interface Allowance {
  readonly origin: string | undefined;
  readonly credentials: boolean;
}

/** What shows that a stranger is allowed something; a text when nothing was asked. */
function findAllowing(
  facts: Facts,
  test: (allowance: Allowance) => boolean,
): readonly string[] | undefined | string {
  const names = ['initialize-foreign-origin', 'preflight-foreign'] as const;
  const asked = names.map((name) => findExchange(facts, name)).filter((each) => each?.outcome === 'answered');
  if (asked.length === 0) return 'no request of a stranger was answered';
  for (const each of asked) {
    const { fields } = each.answer;
    const allowed = fields['access-control-allow-origin'];
    const origin = allowed === '*' || allowed === each.sent['origin'] ? allowed : undefined;
    // A browser takes `*` with credentials for no permission at all.
    const credentials = fields['access-control-allow-credentials'] === 'true' && allowed !== '*';
    if (test({ origin, credentials }))
      return show(each, ['origin', 'access-control-allow-origin', 'access-control-allow-credentials']);
  }
  return undefined;
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? url;
}

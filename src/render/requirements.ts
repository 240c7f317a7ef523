/**
 * What anything in front of an MCP server has to do, and what breaks for a client where it does not. One table: the comments of
 * rendered configurations, the findings of `lint` and the fixes of `doctor` all come from it.
 */
export interface Requirement {
  /** What is right, as a phrase: `the endpoint is matched exactly`. */
  readonly title: string;
  /** What an MCP client sees otherwise; one sentence, lower case, no final stop. */
  readonly breaks: string;
  /** Where it is written: a section of the MCP specification, an RFC or a manual. */
  readonly reference: string;
}

export type RequirementId =
  | 'exact-path'
  | 'path-kept'
  | 'no-slash-redirect'
  | 'upstream-keep-alive'
  | 'client-keep-alive'
  | 'unbuffered'
  | 'no-compression'
  | 'no-cache'
  | 'long-streams'
  | 'socket-keep-alive'
  | 'heartbeat'
  | 'forwarded-headers'
  | 'identity-headers'
  | 'host-header'
  | 'host-guard'
  | 'origin-guard'
  | 'body-limit'
  | 'header-room'
  | 'http-redirect'
  | 'hsts'
  | 'tls-policy'
  | 'certificate-chain'
  | 'http2'
  | 'session-affinity'
  | 'access-control'
  | 'metadata-path'
  | 'no-retries'
  | 'own-errors'
  | 'methods'
  | 'header-names'
  | 'cors'
  | 'upstream-hidden'
  | 'rate-limit'
  | 'slow-clients'
  | 'short-reload'
  | 'secret-free-logs'
  | 'current-directives';

export const requirements: Readonly<Record<RequirementId, Requirement>> = {
  'exact-path': {
    title: 'the endpoint is matched exactly',
    breaks:
      'a prefix also opens everything below and beside the endpoint, such as `/mcpfoo`, to the internet',
    reference: 'MCP 2025-11-25 Transports, Streamable HTTP',
  },
  'path-kept': {
    title: 'the upstream is asked for the path that it serves',
    breaks:
      'the upstream gets another path and answers `initialize` with 404, which clients read as "no MCP server here"',
    reference: 'MCP 2025-11-25 Transports, Streamable HTTP',
  },
  'no-slash-redirect': {
    title: 'the endpoint answers with and without a slash at its end, without a redirect',
    breaks: 'a redirect turns the POST of `initialize` into a GET, or sends the token to plain HTTP',
    reference: 'RFC 9110 section 15.4',
  },
  'upstream-keep-alive': {
    title: 'connections to the upstream are kept',
    breaks: 'each call pays a new connection, and ports run out under load',
    reference: 'RFC 9112 section 9.3',
  },
  'client-keep-alive': {
    title: 'streamed answers are chunked, so that the connection lives on',
    breaks: 'every streamed answer ends its connection: each call pays a new TLS handshake',
    reference: 'RFC 9112 section 7.1',
  },
  unbuffered: {
    title: 'answers are passed on as they come',
    breaks: 'events wait in a buffer: progress, log messages and keep-alives arrive late or all at once',
    reference: 'HTML Living Standard, Server-sent events',
  },
  'no-compression': {
    title: 'event streams are not compressed',
    breaks: 'a compressor holds events back until its block is full',
    reference: 'HTML Living Standard, Server-sent events',
  },
  'no-cache': {
    title: 'answers are never cached',
    breaks: 'one caller is given the answer, or the session, of another',
    reference: 'RFC 9111 section 3',
  },
  'long-streams': {
    title: 'a quiet stream is not cut',
    breaks:
      'a tool that works for a minute without a word, or a quiet listening stream, ends with 504 or a broken stream',
    reference: 'MCP 2025-11-25 Transports, Listening for Messages from the Server',
  },
  'socket-keep-alive': {
    title: 'quiet upstream connections are probed by the system',
    breaks: 'firewalls forget a quiet connection, and the stream hangs without an error',
    reference: 'RFC 9293 section 3.8.4',
  },
  heartbeat: {
    title: 'quiet streams carry comments',
    breaks: 'clients give up a silent stream after 300 s, load balancers after 60 s, Cloudflare after 100 s',
    reference: 'HTML Living Standard, Server-sent events, section 9.2.7',
  },
  'forwarded-headers': {
    title: 'forwarded headers hold what the proxy saw, not what the client wrote',
    breaks: 'whoever calls chooses the address that logs, limits and allow-lists believe',
    reference: 'RFC 7239 section 8.1',
  },
  'identity-headers': {
    title: 'headers that name a user are deleted from requests',
    breaks: 'a caller who sends `X-Forwarded-User` is whoever it says, where the upstream believes its proxy',
    reference: 'RFC 7239 section 8.1',
  },
  'host-header': {
    title: 'the upstream is told a Host that it accepts',
    breaks: 'servers that guard against DNS rebinding answer 421 or 403 to the public name',
    reference: 'MCP 2025-11-25 Transports, Security Warning',
  },
  'host-guard': {
    title: 'requests for other hosts are refused',
    breaks: 'a page of a stranger can reach the server through a name of its own (DNS rebinding)',
    reference: 'MCP 2025-11-25 Transports, Security Warning',
  },
  'origin-guard': {
    title: 'requests of browsers from other origins are refused',
    breaks: 'any web page can call tools with what the browser of the user may reach (DNS rebinding)',
    reference: 'MCP 2025-11-25 Transports, Security Warning',
  },
  'body-limit': {
    title: 'request bodies may be as large as tool arguments are, and no larger',
    breaks: 'tool arguments over the limit get 413; without a limit one call can fill the memory',
    reference: 'RFC 9110 section 15.5.14',
  },
  'header-room': {
    title: 'request heads may hold a token of 8 KiB',
    breaks: 'long access tokens get 400, 431 or 494',
    reference: 'RFC 6585 section 5',
  },
  'http-redirect': {
    title: 'plain HTTP redirects pages and refuses calls',
    breaks: 'a client that is given an `http://` address sends its token in clear text',
    reference: 'RFC 6750 section 5.3',
  },
  hsts: {
    title: 'browsers are told to use HTTPS alone',
    breaks: 'the first request of a browser can be caught on plain HTTP',
    reference: 'RFC 6797',
  },
  'tls-policy': {
    title: 'TLS 1.2 and 1.3 with current cipher suites',
    breaks: 'old protocols can be broken by whoever is on the path',
    reference: 'RFC 9325',
  },
  'certificate-chain': {
    title: 'the certificate comes with its chain',
    breaks:
      'Node and Python clients fail with `unable to get local issuer certificate`, while browsers do not',
    reference: 'RFC 8446 section 4.4.2',
  },
  http2: {
    title: 'HTTP/2 is offered',
    breaks: 'a browser holds only six HTTP/1.1 connections to one origin: the seventh stream waits',
    reference: 'RFC 9113',
  },
  'session-affinity': {
    title: 'calls of one session reach the server that has it',
    breaks: 'with two replicas every other call answers 404 "session not found"',
    reference: 'MCP 2025-11-25 Transports, Session Management',
  },
  'access-control': {
    title: 'callers prove who they are',
    breaks: 'everyone who finds the address can call every tool',
    reference: 'MCP 2025-11-25 Authorization',
  },
  'metadata-path': {
    title: 'the metadata that clients look for is answered at its own place',
    breaks: 'clients cannot find out where to log in, and give up with 401',
    reference: 'RFC 9728 section 3.1',
  },
  'no-retries': {
    title: 'a call is never sent twice',
    breaks: 'a tool that sends mail, or spends money, does so twice when the upstream breaks off',
    reference: 'RFC 9110 section 9.2.2',
  },
  'own-errors': {
    title: 'answers of the upstream pass as they are',
    breaks:
      'an error page in HTML in place of the JSON-RPC error: clients cannot tell a lost session from an outage',
    reference: 'MCP 2025-11-25 Transports, Session Management',
  },
  methods: {
    title: 'POST, GET, DELETE and OPTIONS all reach the endpoint',
    breaks: 'streams cannot be opened or sessions not ended, though calls work',
    reference: 'MCP 2025-11-25 Transports, Streamable HTTP',
  },
  'header-names': {
    title: 'the headers of MCP pass in both directions',
    breaks: 'without `Mcp-Session-Id` every call is answered with 400',
    reference: 'MCP 2025-11-25 Transports, Session Management',
  },
  cors: {
    title: 'browsers may read the headers that they need, and only for listed origins',
    breaks: 'clients in browsers cannot read `Mcp-Session-Id` or `WWW-Authenticate`, or any page can',
    reference: 'Fetch Standard, CORS protocol',
  },
  'upstream-hidden': {
    title: 'the upstream listens on loopback, or on a network of its own',
    breaks: 'whoever reaches its port goes round TLS, access control and limits',
    reference: 'MCP 2025-11-25 Transports, Security Warning',
  },
  'rate-limit': {
    title: 'one caller cannot use up the server',
    breaks: 'a client in a loop takes the server from everyone',
    reference: 'RFC 6585 section 4',
  },
  'slow-clients': {
    title: 'clients that send nothing are let go',
    breaks: 'a few thousand idle connections shut everyone else out',
    reference: 'RFC 9110 section 15.5.9',
  },
  'short-reload': {
    title: 'old workers end after a reload',
    breaks:
      'each reload leaves a set of old workers, with their memory and old configuration, for as long as a stream lives',
    reference: 'nginx core module, worker_shutdown_timeout',
  },
  'secret-free-logs': {
    title: 'logs hold no tokens',
    breaks: 'tokens in query strings end up in log files and in what collects them',
    reference: 'RFC 6750 section 5.3',
  },
  'current-directives': {
    title: 'directives are those of the version that runs',
    breaks: 'the next upgrade of the proxy warns, or does not start',
    reference: 'manual of the proxy',
  },
};

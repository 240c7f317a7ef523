import { fixFor as renderFix, type FixedEngine } from '../render/fixes.ts';
import type { RequirementId } from '../render/requirements.ts';
import type { Target } from './facts.ts';
import type { FrontName } from './recognise-front.ts';

type Fixes = Readonly<Partial<Record<RequirementId, readonly string[]>>>;

/** Requirements that no classic proxy fulfils, and Breakwater behind it does. */
const behindEngine: ReadonlySet<RequirementId> = new Set([
  'heartbeat',
  'session-affinity',
  'origin-guard',
  'host-guard',
  'access-control',
  'rate-limit',
  'header-names',
  'no-slash-redirect',
]);

const cloudflare: Fixes = {
  'long-streams': [
    '# Cloudflare ends an answer that is silent for 100 s, on every plan below Enterprise: send comments',
    'breakwater up 8000 --domain NAME',
  ],
  heartbeat: [
    '# a comment every 15 s keeps the stream: Breakwater behind Cloudflare sends it',
    'breakwater up 8000 --domain NAME',
  ],
  unbuffered: [
    '# Cloudflare holds the head back until the first byte of the body: send a comment at once',
    'breakwater up 8000 --domain NAME',
  ],
  'no-cache': ['# Rules > Cache Rules: URI Path equals the endpoint -> Bypass cache'],
  'no-compression': ['# Rules > Compression Rules: URI Path equals the endpoint -> Disable compression'],
  'body-limit': ['# 100 MB on Free and Pro plans; a lower limit comes from a WAF rule or from the origin'],
  'own-errors': [
    '# Security > WAF: Skip rule for the path of the endpoint (Bot Fight Mode, Browser Integrity Check)',
  ],
  'access-control': [
    '# Security > WAF: Skip rule for the path of the endpoint (Bot Fight Mode, Browser Integrity Check)',
  ],
  'http-redirect': ['# SSL/TLS > Edge Certificates > Always Use HTTPS: on'],
  hsts: ['# SSL/TLS > Edge Certificates > HTTP Strict Transport Security: on, 12 months'],
  'tls-policy': ['# SSL/TLS > Edge Certificates > Minimum TLS Version: 1.2'],
  'upstream-hidden': ['cloudflared tunnel --url http://127.0.0.1:8000'],
  http2: ['# Speed > Settings > Protocol Optimization > HTTP/2: on'],
};

const alb: Fixes = {
  'long-streams': [
    'aws elbv2 modify-load-balancer-attributes --load-balancer-arn ARN \\',
    '  --attributes Key=idle_timeout.timeout_seconds,Value=4000',
  ],
  heartbeat: [
    '# the load balancer cuts after 60 s of silence unless it is told otherwise',
    'aws elbv2 modify-load-balancer-attributes --load-balancer-arn ARN \\',
    '  --attributes Key=idle_timeout.timeout_seconds,Value=4000',
  ],
  'session-affinity': [
    '# stickiness is a cookie, which clients of MCP do not keep: let Breakwater choose the server',
    'breakwater up http://SERVER-1:8000/mcp',
  ],
  'http-redirect': [
    'aws elbv2 modify-listener --listener-arn ARN_OF_PORT_80 \\',
    "  --default-actions 'Type=redirect,RedirectConfig={Protocol=HTTPS,Port=443,StatusCode=HTTP_301}'",
  ],
  'tls-policy': [
    'aws elbv2 modify-listener --listener-arn ARN --ssl-policy ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09',
  ],
  'exact-path': [
    'aws elbv2 create-rule --listener-arn ARN --priority 10 \\',
    "  --conditions 'Field=path-pattern,Values=/mcp' --actions Type=forward,TargetGroupArn=ARN",
  ],
  'upstream-hidden': [
    'aws ec2 authorize-security-group-ingress --group-id SERVERS \\',
    '  --protocol tcp --port 8000 --source-group LOAD_BALANCER',
  ],
  hsts: [
    'aws elbv2 modify-listener-attributes --listener-arn ARN --attributes \\',
    '  Key=routing.http.response.strict_transport_security.header_value,Value=max-age=31536000',
  ],
};

const breakwater: Fixes = {
  'body-limit': ['limits: { body: 16MiB }'],
  'header-room': ['limits: { head: 64KiB }'],
  'http-redirect': ['http: 0.0.0.0:80'],
  'access-control': ['routes: [{ path: /mcp, auth: key }]'],
  'certificate-chain': ['breakwater certs list'],
  'tls-policy': ['tls: { policy: intermediate }'],
};

/**
 * What fulfils a requirement at the front that was recognised: for engines the lines that `render` writes. Empty where there is nothing
 * more precise than the advice of the check.
 */
export function fixFor(front: FrontName, requirement: RequirementId, target: Target): readonly string[] {
  switch (front) {
    case 'cloudflare':
      return cloudflare[requirement] ?? [];
    case 'alb':
      return alb[requirement] ?? [];
    case 'breakwater':
      return breakwater[requirement] ?? [];
    case 'traefik':
    case 'envoy':
      return [`breakwater render ${front}`];
    case 'nginx':
    case 'caddy':
    case 'apache':
    case 'haproxy':
      return fixEngine(front, requirement, target);
  }
}

function fixEngine(engine: FixedEngine, requirement: RequirementId, target: Target): readonly string[] {
  const path = target.path.split('?')[0] ?? '/';
  const bare = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  // lines-injection: what is printed to be pasted holds a path of plain characters alone.
  const safe = /^\/[\w./-]*$/.test(bare) ? bare : '/mcp';
  const lines = renderFix(engine, requirement, { name: target.host, path: safe });
  if (lines.length > 0) return lines;
  return behindEngine.has(requirement) ? [`breakwater render ${engine} --mode front`] : [];
}

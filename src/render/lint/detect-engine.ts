import type { LintEngine } from './finding.ts';

/** Each is tried on every line, without blanks at its ends; earlier ones say more. */
const signs: readonly { readonly engine: LintEngine; readonly pattern: RegExp }[] = [
  { engine: 'apache', pattern: /^<\/?(?:VirtualHost|Location|LocationMatch|IfModule|Proxy|Directory)\b/i },
  {
    engine: 'apache',
    pattern: /^(?:ProxyPass|ProxyPassMatch|LoadModule|ServerRoot|RewriteEngine|ServerName)\s/i,
  },
  {
    engine: 'haproxy',
    pattern: /^(?:frontend|backend|listen|defaults|global)(?:\s+[\w.-]+)?(?:\s+from\s+\S+)?$/,
  },
  { engine: 'nginx', pattern: /^(?:server|http|events|upstream\s+\S+|location\s.*)\s*\{/ },
  { engine: 'nginx', pattern: /^(?:proxy_pass|server_name|worker_processes)\s.*;/ },
  { engine: 'caddy', pattern: /^(?:reverse_proxy|handle|handle_path|route|encode|respond)\b/ },
  { engine: 'caddy', pattern: /^[^;]*\{$/ },
];

/** Which engine a configuration is for, by the name of the file and, where that says nothing, by its contents. */
export function detectEngine(file: string, text: string): LintEngine | undefined {
  const name = file.slice(file.lastIndexOf('/') + 1).toLowerCase();
  if (name.startsWith('caddyfile') || name.endsWith('.caddyfile') || name.endsWith('.caddy')) return 'caddy';
  if (name.startsWith('haproxy') || name.endsWith('.haproxy')) return 'haproxy';
  if (name.startsWith('nginx') || name.endsWith('.nginx')) return 'nginx';
  if (/^(?:httpd|apache2?)\b/.test(name) || name === '.htaccess') return 'apache';
  const lines = text.split('\n', 2000).map((line) => line.slice(0, 500).trim());
  return signs.find(({ pattern }) => lines.some((line) => pattern.test(line)))?.engine;
}

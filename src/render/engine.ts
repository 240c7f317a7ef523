/** The proxies that Breakwater writes configurations for, and reads those of. */
export const engines = ['nginx', 'caddy', 'apache', 'haproxy', 'traefik', 'envoy'] as const;

export type Engine = (typeof engines)[number];

/** Their names for people. */
export const engineTitles: Readonly<Record<Engine, string>> = {
  nginx: 'nginx',
  caddy: 'Caddy',
  apache: 'Apache httpd',
  haproxy: 'HAProxy',
  traefik: 'Traefik',
  envoy: 'Envoy',
};

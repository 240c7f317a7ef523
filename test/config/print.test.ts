import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { LoadedConfig } from '../../src/config/load.ts';
import { listSettings, printConfig } from '../../src/config/print.ts';
import { configOf, loadText } from './load-text.ts';

async function load(): Promise<LoadedConfig> {
  const text =
    'routes:\n  - upstream: 8000\n    path: /tools\n  - path: /b\n    upstream: unix:/run/x.sock\nauth: none\nkeep_alive: { json: 12s }\n';
  const env = { BREAKWATER_HTTP2: 'false', HOME: '/home/op' };
  const loaded = await loadText(text, { env, flags: { listen: '9000' } });
  if (!loaded.ok) throw new Error('not valid');
  return loaded.value;
}

describe('the printed configuration', () => {
  it('shows each value with its origin', async () => {
    const { config, provenance } = await load();
    expect(printConfig(config, provenance).replaceAll(/ +#/g, ' #'))
      .toContain(`listen: 127.0.0.1:9000 # --listen (command line)
plain_http: false # default
domains: [] # default
hosts: [] # default
origins: [] # default
tls:
  policy: intermediate # default
http2: false # BREAKWATER_HTTP2 (environment)
routes:
  - path: /tools # breakwater.yaml:3:11
    upstream: http://127.0.0.1:8000/mcp # breakwater.yaml:2:15
    auth: none # breakwater.yaml:6:7
    credentials: none # default
  - path: /b # breakwater.yaml:4:11
    upstream: unix:/run/x.sock:/mcp # breakwater.yaml:5:15
    auth: none # breakwater.yaml:6:7
    credentials: none # default
`);
  });

  it('means the same when it is read again', async () => {
    const { config, provenance } = await load();
    expect(await configOf(printConfig(config, provenance))).toEqual(config);
  });

  it('lists the same settings for programs', async () => {
    const { config, provenance } = await load();
    const settings = listSettings(config, provenance);
    expect(settings).toContainEqual({ setting: 'limits.head', value: '16KiB', origin: 'default' });
    expect(settings).toContainEqual({
      setting: 'routes.0.path',
      value: '/tools',
      origin: 'breakwater.yaml:3:11',
    });
    expect(parse(printConfig(config, provenance))).toHaveProperty('timeouts.drain', '30s');
    expect(parse(printConfig(config, provenance))).toHaveProperty('keep_alive.json', '12s');
  });
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../peer.ts';
import { findFreePort } from '../../test/support/programs.ts';
import { findProgram } from '../programs.ts';
import { token } from '../token.ts';
import { notCached } from './not-cached.ts';

const MODULES = '/usr/lib/apache2/modules';
const modules = [
  'mpm_event',
  'authz_core',
  'socache_shmcb',
  'ssl',
  'http2',
  'proxy',
  'proxy_http',
  'headers',
  'rewrite',
];

/** Threads beyond the open streams: more than the most connections of a row. */
const SPARE_THREADS = 300;

/** One process of the event MPM; each proxied answer holds a thread for as long as it lasts. */
export const apache: Peer = {
  name: 'apache',
  cannot: { 'secured-cached-h1': notCached, 'ruled-h1': notCached },
  note: 'compares the token with a fixed text (mod_rewrite): it has no check that asks a service or verifies a JWT',
  find: () => findProgram('apache2', ['-v'], 'Debian: apache2'),
  async prepare({ directory, upstreamPort, certFile, keyFile, check, streams }) {
    const port = await findFreePort();
    const file = join(directory, 'apache.conf');
    const threads = streams + SPARE_THREADS;
    const rules =
      check === 'none'
        ? ''
        : `RewriteEngine on
  RewriteCond expr "%{HTTP:Authorization} != 'Bearer ${token}'"
  RewriteRule ^ - [R=401,L]`;
    writeFileSync(
      file,
      `${modules.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
ServerName localhost
User www-data
Group www-data
DefaultRuntimeDir ${directory}
PidFile ${directory}/pid
ErrorLog ${directory}/error.log
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
CustomLog ${directory}/access.log combined
BufferedLogs on
ListenBacklog 4096
Listen 127.0.0.1:${port}
StartServers 1
ServerLimit 1
ThreadLimit ${threads}
ThreadsPerChild ${threads}
MaxRequestWorkers ${threads}
MinSpareThreads 1
MaxSpareThreads ${threads}
MaxConnectionsPerChild 0
KeepAlive on
MaxKeepAliveRequests 0
KeepAliveTimeout 60
Timeout 86400
ProxyTimeout 86400
SSLSessionCache shmcb:${directory}/sessions(512000)
<VirtualHost 127.0.0.1:${port}>
  SSLEngine on
  SSLCertificateFile ${certFile}
  SSLCertificateKeyFile ${keyFile}
  Protocols h2 http/1.1
  RequestHeader set X-Forwarded-Proto https
  ${rules}
  ProxyPass /mcp http://127.0.0.1:${upstreamPort}/mcp flushpackets=on keepalive=on
</VirtualHost>
`,
    );
    return { port, command: ['apache2', '-f', file, '-D', 'FOREGROUND'] };
  },
};

import { formatAuthority } from '../../lib/authority.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { isLoopbackHost } from '../../lib/networks.ts';
import { ok, type Result } from '../../lib/result.ts';
import type { Rendered, RenderWarning } from '../rendered.ts';
import type { Service } from '../service.ts';

/** Where the container finds its configuration. */
export const configInContainer = '/etc/breakwater/breakwater.yaml';
export const stateInContainer = '/var/lib/breakwater';
/** The conventional account of images without users. */
const account = 65_532;

/** A Dockerfile whose container runs without root and with a read-only file system. */
export function renderDocker(service: Service): Result<Rendered, Diagnostic[]> {
  return ok({
    files: [buildDockerfile(service)],
    warnings: [...listContainerWarnings(service), ...listLoopbackWarnings(service)],
  });
}

export function buildDockerfile(service: Service): { readonly path: string; readonly text: string } {
  const { version, listen, plainHttp, drain } = service;
  const ports = [listen.port, ...(plainHttp === undefined ? [] : [plainHttp.port])];
  const archive = `breakwater-${version}.tgz`;
  const text = `FROM node:24-slim
# Made by \`npm pack\` in a checkout of Breakwater, and put beside this file.
COPY ${archive} /tmp/
RUN npm install --global --omit=dev --ignore-scripts /tmp/${archive} \\
 && npm cache clean --force \\
 && rm /tmp/${archive} \\
 && install -d -m 0700 -o ${account} -g ${account} ${stateInContainer}

# Without root: who breaks out of the program is nobody outside either.
USER ${account}:${account}
ENV NODE_ENV=production BREAKWATER_STATE_DIR=${stateInContainer}
# Certificates and keys. Without a volume each new container obtains them again, until the authority refuses.
VOLUME ${stateInContainer}
EXPOSE ${ports.join(' ')}
# Calls may finish for ${drain / 1000} s: \`docker stop\` has to wait longer (\`--stop-timeout ${Math.ceil(drain / 1000) + 5}\`).
STOPSIGNAL SIGTERM
${buildHealthCheck(service)}ENTRYPOINT ["breakwater"]
CMD ["up", "--config", "${configInContainer}"]

# docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \\
#   --sysctl net.ipv4.ip_unprivileged_port_start=0 ${ports.map((port) => `-p ${port}:${port}`).join(' ')} \\
#   -v breakwater-state:${stateInContainer} -v ./breakwater.yaml:${configInContainer}:ro IMAGE
`;
  return { path: 'Dockerfile', text };
}

function buildHealthCheck({ listen, plainHttp, isProxyProtocol, needsCertificate }: Service): string {
  if (isProxyProtocol) return '';
  const at = plainHttp ?? (needsCertificate ? undefined : listen);
  if (at === undefined) return '';
  const scheme = at === plainHttp ? 'http' : 'https';
  const host = at.host === '0.0.0.0' ? '127.0.0.1' : at.host === '::' ? '::1' : at.host;
  // The certificate is for the public name, and who asks is the container itself.
  const options = `{ host: ${JSON.stringify(host)}, port: ${at.port}, path: '/healthz', rejectUnauthorized: false }`;
  const script = `require('node:${scheme}').get(${options}, ({ statusCode }) => process.exit(statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1))`;
  return `HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \\
  CMD ["node", "-e", ${JSON.stringify(script)}]
`;
}

/** What differs in a container, whatever starts it. */
export function listContainerWarnings(service: Service): RenderWarning[] {
  const { listen, isProxyProtocol, needsCertificate, plainHttp, reads } = service;
  const warnings: RenderWarning[] = [];
  if (isLoopbackHost(listen.host))
    warnings.push({
      requirement: 'upstream-hidden',
      message: `Breakwater listens on ${listen.host}, which nobody outside the container reaches: set \`listen: 0.0.0.0:${listen.port}\``,
    });
  if (isProxyProtocol || (needsCertificate && plainHttp === undefined))
    warnings.push({
      requirement: 'own-errors',
      message:
        'there is no health check: the container cannot show the PROXY header or the certificate that its own listener demands, and Docker sees only that the program runs',
    });
  if (reads.length > 0)
    warnings.push({
      requirement: 'certificate-chain',
      message: `these files are outside the container: mount ${reads.map((path) => `\`${path}\``).join(', ')} at the same paths, readable for account ${account}`,
    });
  return warnings;
}

function listLoopbackWarnings({ servers }: Service): RenderWarning[] {
  return servers
    .filter(({ kind }) => kind === 'loopback')
    .map(({ path, host, port }) => ({
      requirement: 'path-kept',
      message: `the MCP server of \`${path}\` is at ${formatAuthority(host, port)}, which in a container is the container itself: every call is answered with 502, unless it runs with \`--network host\``,
    }));
}

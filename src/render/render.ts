import type { Config } from '../config/config.ts';
import type { FileMapping } from '../config/file-value.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { buildFront } from './build-front.ts';
import { buildCluster, type Cluster } from './cluster.ts';
import type { Engine } from './engine.ts';
import type { Front } from './front.ts';
import { addHeader, buildHeader } from './header.ts';
import type { Rendered } from './rendered.ts';
import { buildService, type Service } from './service.ts';
import {
  isClusterTarget,
  isServiceTarget,
  type ClusterTarget,
  type RenderTarget,
  type ServiceTarget,
} from './target.ts';
import { renderApache } from './targets/apache.ts';
import { renderCaddy } from './targets/caddy.ts';
import { renderCompose } from './targets/compose.ts';
import { renderDocker } from './targets/docker.ts';
import { renderEnvoy } from './targets/envoy.ts';
import { renderHaproxy } from './targets/haproxy.ts';
import { renderHelm } from './targets/helm.ts';
import { renderKubernetes } from './targets/kubernetes.ts';
import { renderNginx, type NginxDialect } from './targets/nginx.ts';
import { renderSystemd } from './targets/systemd.ts';
import { renderTraefik } from './targets/traefik.ts';

export interface RenderOptions {
  readonly target: RenderTarget;
  /** Of no meaning for services. */
  readonly mode: Front['mode'];
  /** Version of Breakwater, for the header. */
  readonly version: string;
  /** Absolute path of the configuration, where it is a file. */
  readonly configPath?: string;
  /** The configuration as it was given, for targets that carry it along; see `LoadedConfig`. */
  readonly settings: FileMapping;
  /** In the place of those of the configuration. */
  readonly certificate?: Front['certificate'];
  /** The newest unless given. */
  readonly nginxDialect?: NginxDialect;
  /** Whether systemd opens the addresses; not when absent. */
  readonly sockets?: boolean;
}

/**
 * Writes the configuration of another program. The same input gives the same text. Fails with E_RENDER_UNSUPPORTED where what would
 * be missing opens a door or breaks every call.
 */
export function render(config: Config, options: RenderOptions): Result<Rendered, Diagnostic[]> {
  const { target, mode, version, configPath, settings } = options;
  if (isClusterTarget(target)) {
    const cluster = buildCluster(config, { version, configPath, settings });
    return withHeader(renderCluster(target, cluster), {
      command: `breakwater render ${target}`,
      version,
      input: cluster,
    });
  }
  if (isServiceTarget(target)) {
    const service = buildService(config, { version, configPath });
    return withHeader(renderService(target, service, options), {
      command: `breakwater render ${target}${options.sockets === true ? ' --sockets' : ''}`,
      version,
      input: service,
    });
  }
  const built = buildFront(config, {
    mode,
    ...(options.certificate === undefined ? {} : { certificate: options.certificate }),
  });
  if (!built.ok) return built;
  const { front, warnings } = built.value;
  const rendered = withHeader(renderEngine(target, front, options), {
    command: `breakwater render ${target} --mode ${mode}`,
    version,
    input: front,
  });
  if (!rendered.ok) return rendered;
  return ok({ ...rendered.value, warnings: [...rendered.value.warnings, ...warnings] });
}

function renderEngine(target: Engine, front: Front, options: RenderOptions): Result<Rendered, Diagnostic[]> {
  switch (target) {
    case 'nginx':
      return renderNginx(front, { dialect: options.nginxDialect ?? '1.25' });
    case 'caddy':
      return renderCaddy(front);
    case 'apache':
      return renderApache(front);
    case 'haproxy':
      return renderHaproxy(front);
    case 'traefik':
      return renderTraefik(front);
    case 'envoy':
      return renderEnvoy(front);
  }
}

function renderCluster(target: ClusterTarget, cluster: Cluster): Result<Rendered, Diagnostic[]> {
  switch (target) {
    case 'kubernetes':
      return renderKubernetes(cluster);
    case 'helm':
      return renderHelm(cluster);
  }
}

function renderService(
  target: Exclude<ServiceTarget, ClusterTarget>,
  service: Service,
  { sockets = false }: RenderOptions,
): Result<Rendered, Diagnostic[]> {
  switch (target) {
    case 'systemd':
      return renderSystemd(service, { sockets });
    case 'docker':
      return renderDocker(service);
    case 'compose':
      return renderCompose(service);
  }
}

function withHeader(
  rendered: Result<Rendered, Diagnostic[]>,
  facts: Parameters<typeof buildHeader>[0],
): Result<Rendered, Diagnostic[]> {
  if (!rendered.ok) return fail(rendered.error);
  const rows = buildHeader(facts);
  return ok({ ...rendered.value, files: rendered.value.files.map((file) => addHeader(file, rows)) });
}

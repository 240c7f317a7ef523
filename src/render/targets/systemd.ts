import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { Rendered, RenderWarning } from '../rendered.ts';
import type { Service } from '../service.ts';
import { toUnsupported } from '../unsupported.ts';
import { renderSocketUnit } from './systemd-socket.ts';

const firstFreePort = 1024;
/** Files besides connections: the configuration, logs, state, libraries. */
const otherFiles = 1024;
/** Between the end of draining and SIGKILL. */
const spareSeconds = 5;

export interface SystemdOptions {
  /** Whether systemd opens the addresses, in a unit of their own; not when absent. */
  readonly sockets?: boolean;
}

/** A hardened unit for systemd from 247 on. */
export function renderSystemd(
  service: Service,
  { sockets = false }: SystemdOptions = {},
): Result<Rendered, Diagnostic[]> {
  const { configPath = '/etc/breakwater/breakwater.yaml', logPath } = service;
  const unwritable = [configPath, ...(logPath === undefined ? [] : [logPath])].filter((path) =>
    /\p{Cc}/u.test(path),
  );
  if (unwritable.length > 0)
    return fail(
      unwritable.map((path) =>
        toUnsupported(`${JSON.stringify(path)} cannot be written in a unit`, 'rename the file'),
      ),
    );
  const ports = [service.listen.port, ...(service.plainHttp === undefined ? [] : [service.plainHttp.port])];
  const isPrivileged = !sockets && ports.some((port) => port < firstFreePort);
  const socketUnit = sockets ? renderSocketUnit(service) : undefined;
  if (socketUnit?.ok === false) return socketUnit;
  const logFolder =
    logPath === undefined ? undefined : logPath.slice(0, Math.max(1, logPath.lastIndexOf('/')));
  const text = `[Unit]
Description=Breakwater, the secure front door for MCP servers
Wants=network-online.target
After=network-online.target
${sockets ? '# They stay open while this restarts, and new connections wait.\nRequires=breakwater.socket\n' : ''}# A configuration that is wrong stays wrong: starting again and again only fills the log.
StartLimitIntervalSec=60
StartLimitBurst=5

[Service]
# Breakwater says when it serves, reloads and drains, and one line for \`systemctl status\`. From systemd 253 on \`Type=notify-reload\`,
# without ExecReload=, has \`systemctl reload\` wait until the new configuration serves.
Type=notify
# It says so through systemd-notify, which is a process of its own.
NotifyAccess=all
# A process that hangs is killed and started again.
WatchdogSec=60
ExecStart=/usr/local/bin/breakwater up --config ${toArgument(configPath)}
# Another configuration under the streams that run.
ExecReload=/bin/kill -HUP $MAINPID
# 2: the configuration is not valid; 6: refused for safety.
RestartPreventExitStatus=2 6
Restart=on-failure
RestartSec=1
# SIGTERM lets calls finish for ${service.drain / 1000} s; the kill comes after that.
TimeoutStopSec=${Math.ceil(service.drain / 1000) + spareSeconds}
KillMode=mixed
# Each stream holds two descriptors: with the default of 1024, the 500th client is refused.
LimitNOFILE=${service.connections * 2 + otherFiles}

# An account that exists only while the service runs.
DynamicUser=yes
# Certificates and keys; kept over restarts, and readable for nobody else.
StateDirectory=breakwater
StateDirectoryMode=0700
Environment=BREAKWATER_STATE_DIR=%S/breakwater
UMask=0077
${
  isPrivileged
    ? `# Ports below 1024, and nothing else that root may do.
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE`
    : `# ${sockets ? 'systemd opens the ports' : 'All ports are above 1024'}: no privilege is needed.
CapabilityBoundingSet=`
}
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
${buildLogFolder(logFolder)}PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
# Not \`ProcSubset=pid\`: clients that vanished are found in /proc/net/tcp.
ProtectProc=invisible
# AF_NETLINK lists the addresses of the machine.
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
# Not \`MemoryDenyWriteExecute\`: JavaScript is compiled while it runs.

[Install]
WantedBy=multi-user.target
`;
  const unit = { path: 'breakwater.service', text };
  return ok({
    files: socketUnit === undefined ? [unit] : [unit, socketUnit.value],
    warnings: [...(sockets ? [] : [closedPorts]), ...listWarnings(service)],
  });
}

const closedPorts: RenderWarning = {
  requirement: 'short-reload',
  message:
    'while Breakwater restarts, for about a second, new connections are refused; with `--sockets` they wait',
};

function listWarnings({ configPath, reads, logPath, servers }: Service): readonly RenderWarning[] {
  const warnings: RenderWarning[] = [];
  if (configPath === undefined)
    warnings.push({
      requirement: 'current-directives',
      message: 'there is no configuration file: the unit expects `/etc/breakwater/breakwater.yaml`',
    });
  if (reads.length > 0)
    warnings.push({
      requirement: 'certificate-chain',
      message: `the service has an account of its own, which has to be allowed to read ${reads.map((path) => `\`${path}\``).join(', ')}, or it does not start`,
    });
  if (logPath !== undefined && !logPath.startsWith('/var/log/'))
    warnings.push({
      requirement: 'secret-free-logs',
      message: `the account of the service has to be allowed to write \`${logPath}\`, or it does not start`,
    });
  const sockets = servers.filter(({ kind }) => kind === 'unix');
  if (sockets.length > 0)
    warnings.push({
      requirement: 'upstream-hidden',
      message: `the account of the service has to be allowed to open ${sockets.map(({ host }) => `\`${host}\``).join(', ')}, or calls are answered with 502`,
    });
  return warnings;
}

/** Below /var/log systemd makes the folder and gives it to the account of the service. */
function buildLogFolder(folder: string | undefined): string {
  if (folder === undefined) return '';
  const own = /^\/var\/log\/([\w-]+(?:\/[\w-]+)*)$/.exec(folder)?.[1];
  return own === undefined ? `ReadWritePaths=${toPath(`-${folder}`)}\n` : `LogsDirectory=${own}\n`;
}

/** An argument of ExecStart (systemd.service(5), Command lines): `%` and `$` stand for something, and quotes take C escapes. */
function toArgument(text: string): string {
  const escaped = text.replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w/.@:%$+,=~-]+$/.test(escaped) ? escaped : `"${escaped.replaceAll(/[\\"]/g, '\\$&')}"`;
}

/** A path in a list; there `$` is itself. */
function toPath(text: string): string {
  const escaped = text.replaceAll('%', '%%');
  return /^[\w/.@:%$+,=~-]+$/.test(escaped) ? escaped : `"${escaped.replaceAll(/[\\"]/g, '\\$&')}"`;
}

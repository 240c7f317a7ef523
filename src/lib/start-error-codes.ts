import type { ErrorEntry } from './error-entry.ts';

/** What can stop a gateway from starting, besides its configuration and certificates. */
export type StartErrorCode =
  | 'E_LISTEN_IN_USE'
  | 'E_LISTEN_DENIED'
  | 'E_LISTEN_ADDRESS'
  | 'E_LISTEN_HANDED_OVER'
  | 'E_PUBLIC_WITHOUT_AUTH'
  | 'E_AUTH_KEYS_FILE'
  | 'E_LOG_UNWRITABLE'
  | 'E_RELOAD_REFUSED'
  | 'E_NOT_RUNNING'
  | 'E_CONTROL_UNAVAILABLE'
  | 'E_NOTIFY_UNAVAILABLE';

export const startErrorCodes: { readonly [code in StartErrorCode]: ErrorEntry } = {
  E_LISTEN_IN_USE: {
    title: 'the address to listen on is in use',
    explanation: 'Another program, or another Breakwater, already listens on this address and port.',
    fix: 'stop the other program, or choose another port with `--listen`',
    exit: 1,
  },
  E_LISTEN_DENIED: {
    title: 'the address to listen on is not permitted',
    explanation: 'Ports below 1024 need the privilege to bind them, which this user does not have.',
    fix: 'run `sudo setcap cap_net_bind_service=+ep "$(readlink -f "$(which node)")"`, or choose a port from 1024 on',
    exit: 1,
  },
  E_LISTEN_ADDRESS: {
    title: 'the address to listen on is not an address of this machine',
    explanation: 'A server can only listen on addresses that its machine has, or on 0.0.0.0 for all of them.',
    fix: 'use an address of this machine in `--listen`',
    exit: 2,
  },
  E_LISTEN_HANDED_OVER: {
    title: 'a socket of the service manager cannot be used',
    explanation:
      'The sockets of a `.socket` unit are opened by systemd and handed over (LISTEN_FDS, sd_listen_fds(3)). Each has to listen on TCP and belong to one listener of the configuration: by its name, `https`, `http` or `authz` (`FileDescriptorName=`), else by the port. One that belongs to none would take connections that nobody answers.',
    fix: 'turn the listener on in the configuration, or take the socket out of its unit; all sockets of one unit have the same name, so a unit with several has none',
    exit: 2,
  },
  E_PUBLIC_WITHOUT_AUTH: {
    title: 'a public address without access control is refused',
    explanation:
      'Anyone who finds the address could call every tool of the MCP server. Breakwater listens on an address that others can reach only when callers have to identify themselves, or when that risk is accepted in so many words.',
    fix: 'add `--auth key`; or, if everyone may call every tool, `--danger-allow-public`',
    exit: 6,
  },
  E_AUTH_KEYS_FILE: {
    title: 'a file with keys cannot be used',
    explanation:
      'A file in the state directory cannot be trusted. Either `keys.json`, where earlier versions kept the digests of the API keys, is damaged: starting without it would lock out every client that has one of them. Or `auth/server-keys.json`, which the built-in authorization server signs with, is damaged, belongs to another user, or can be read or written by others, who could log in as anybody.',
    fix: 'restore the file from a backup; run `chmod 600` on `server-keys.json` if nobody else had it; or delete the file to go on without its keys',
    exit: 2,
  },
  E_LOG_UNWRITABLE: {
    title: 'the access log cannot be opened',
    explanation:
      'The file named by `log.access` could not be opened for appending: a wrong owner, a read-only file system, or a directory in its place. Without it requests would go unrecorded, so the gateway does not start.',
    fix: 'give the user that runs Breakwater the file, or name another one in `log.access`',
    exit: 2,
  },
  E_RELOAD_REFUSED: {
    title: 'a running gateway cannot take this change',
    explanation:
      'Almost everything can be changed while the gateway runs. What it cannot change is the state directory, which holds what it has promised to others, and a configuration that was read from standard input, which is there only once. The gateway goes on as it was.',
    fix: 'stop the gateway and start it again with the new configuration',
    exit: 2,
  },
  E_NOT_RUNNING: {
    title: 'no running gateway was found',
    explanation:
      'A running gateway is asked over a socket in its state directory. There is none, or nobody answers on it: the gateway does not run, runs as another user, or with another state directory.',
    fix: 'start one with `breakwater up`, or name its state directory with `--state-dir`',
    exit: 4,
  },
  E_CONTROL_UNAVAILABLE: {
    title: 'the gateway cannot be asked by commands',
    explanation:
      'The socket in the state directory over which `breakwater status`, `reload` and `stop` reach a running gateway could not be opened: the file system has no sockets, or the path is longer than the system takes. Traffic is not affected, and signals work: SIGHUP reloads, SIGTERM drains.',
    fix: 'use a state directory with a short path on a local disk',
  },
  E_NOTIFY_UNAVAILABLE: {
    title: 'the service manager cannot be told',
    explanation:
      'Whoever started the gateway wants to know when it serves, reloads and drains (NOTIFY_SOCKET, sd_notify(3)). It is told through the program `systemd-notify`, which could not be run. The gateway serves all the same; a unit with `Type=notify` waits for word of it and stops it after `TimeoutStartSec=`.',
    fix: 'install `systemd-notify`, which is part of systemd, or set `Type=exec` in the unit',
    exit: 1,
  },
};

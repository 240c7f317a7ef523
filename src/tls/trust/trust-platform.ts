import { homedir } from 'node:os';
import { isAbsolute, win32 } from 'node:path';

/** What decides which trust stores there are and how they are changed. Tests describe machines that they do not run on. */
export interface TrustPlatform {
  readonly os: NodeJS.Platform;
  /** True for a process that needs no `sudo`. */
  readonly isRoot: boolean;
  /** Absolute home directory of the user whose browsers are meant. */
  readonly home: string;
  /** Absolute; `.local/share` and `.config` in the home directory when absent (XDG Base Directory Specification). */
  readonly dataHome?: string;
  readonly configHome?: string;
  /** Absolute directory under which the system's files are: `/`; on Windows the directory of Windows itself. */
  readonly root: string;
  /** The user who called `sudo`, when the process runs under it. */
  readonly sudoUser?: string;
}

/** The machine and the user of this process. */
export function readTrustPlatform(env: NodeJS.ProcessEnv = process.env): TrustPlatform {
  const isWindows = process.platform === 'win32';
  const { SUDO_USER: sudoUser, XDG_DATA_HOME: dataHome = '', XDG_CONFIG_HOME: configHome = '' } = env;
  return {
    os: process.platform,
    isRoot: process.getuid?.() === 0,
    home: homedir(),
    root: isWindows ? win32.resolve(env['SystemRoot'] ?? String.raw`C:\Windows`) : '/',
    // The specification has relative paths ignored.
    ...(isAbsolute(dataHome) ? { dataHome } : {}),
    ...(isAbsolute(configHome) ? { configHome } : {}),
    ...(sudoUser === undefined || sudoUser === '' || sudoUser === 'root' ? {} : { sudoUser }),
  };
}

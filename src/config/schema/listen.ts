import { z } from 'zod';
import { isLoopbackHost } from '../../lib/networks.ts';
import { ok, type Result } from '../../lib/result.ts';
import type { ListenAddress } from '../config.ts';
import { failValue, parsedField, type FieldProblem } from './field.ts';
import { toAuthority } from './host-name.ts';

/** Where to listen as far as the setting says it: a bare port leaves the host to the default. */
export interface ListenSetting {
  readonly host: string | undefined;
  readonly port: number;
}

const forms = 'write `127.0.0.1:8443`, `[::1]:8443`, `:443` for all interfaces, or a port';
const portNumber = z.int().meta({ minimum: 0, maximum: 65_535 });

export const listenSchema: z.ZodType<ListenSetting | undefined> = parsedField(
  z.union([z.string(), portNumber], { error: 'an address or a port' }),
  parseListen,
)
  .optional()
  .describe(
    'Address for HTTPS: `host:port`, `:port` for all interfaces, or a port. Default: `127.0.0.1:8443`, or `0.0.0.0:443` when domains are given.',
  );

export const plainHttpSchema: z.ZodType<ListenSetting | false | undefined> = parsedField(
  z.union([z.string(), portNumber, z.literal(false)], { error: 'an address, a port, or `false`' }),
  (value): Result<ListenSetting | false, FieldProblem> => {
    if (value === false) return ok(value);
    return value === 'off' || value === 'no'
      ? failValue('is not an address', 'write `false` to turn plain HTTP off')
      : parseListen(value);
  },
)
  .optional()
  .describe(
    'Address for plain HTTP, which answers `/healthz`, `/readyz` and `http-01` challenges, redirects pages to HTTPS and refuses calls; or `false`. Default: port 80 when HTTPS is on port 443, else off.',
  );

export const authzSchema: z.ZodType<ListenAddress | undefined> = parsedField(
  z.union([z.string(), portNumber], { error: 'an address or a port' }),
  (value): Result<ListenAddress, FieldProblem> => {
    const setting = parseListen(value);
    if (!setting.ok) return setting;
    const { host = '127.0.0.1', port } = setting.value;
    // Whoever reaches it can say whose request it is.
    return isLoopbackHost(host)
      ? ok({ host, port })
      : failValue('is not an address of loopback', 'write `127.0.0.1:8181`, or a port');
  },
)
  .optional()
  .describe(
    'Address on this machine, plain HTTP, at which another proxy asks whether a request may pass (`auth_request` of nginx, `forward_auth` of Caddy); see `breakwater render`. Default: off.',
  );

/** Port 0 asks the system for a free port. */
function parseListen(value: string | number): Result<ListenSetting, FieldProblem> {
  const text = String(value);
  const port = /^:?(\d{1,9})$/.exec(text)?.[1];
  const authority =
    port === undefined
      ? toAuthority(text)
      : { host: text.startsWith(':') ? '0.0.0.0' : undefined, port: Number(port) };
  if (authority?.port === undefined) return failValue('is not an address to listen on', forms);
  if (authority.port > 65_535)
    return failValue('names a port that does not exist', 'a port is at most 65535');
  return ok({ host: authority.host, port: authority.port });
}

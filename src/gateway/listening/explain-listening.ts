import type { Config } from '../../config/config.ts';
import { formatAuthority } from '../../lib/authority.ts';
import { GatewayError } from '../../lib/gateway-error.ts';

/** Says in our words why an address cannot be bound: what `start` rejects with becomes a GatewayError (E_LISTEN_*) where it says that. */
export async function explainListening<T>(config: Config, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? error.code : undefined;
    const failedPort = error instanceof Error && 'port' in error ? Number(error.port) : config.listen.port;
    const isPlain = failedPort === config.plainHttp?.port;
    const { host } =
      [config.authz, config.plainHttp].find((own) => own?.port === failedPort) ?? config.listen;
    const address = formatAuthority(host, failedPort);
    const options = {
      cause: error,
      ...(isPlain ? { hint: 'set `plain_http: false` to do without the plain HTTP port' } : {}),
    };
    switch (reason) {
      case 'EADDRINUSE':
        throw new GatewayError('E_LISTEN_IN_USE', `${address} is in use`, options);
      case 'EACCES':
        throw new GatewayError('E_LISTEN_DENIED', `not permitted to listen on ${address}`, options);
      case 'EADDRNOTAVAIL':
      case 'ENOTFOUND':
        throw new GatewayError('E_LISTEN_ADDRESS', `${address} is not an address of this machine`, options);
      default:
        throw error;
    }
  }
}

import { isIP } from 'node:net';
import type { ListenAddress } from '../../config/config.ts';
import { formatAuthority } from '../../lib/authority.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import type { RenderedFile } from '../rendered.ts';
import type { Service } from '../service.ts';
import { toUnsupported } from '../unsupported.ts';

/** The unit by which systemd opens the addresses of a service and keeps them while it restarts. */
export function renderSocketUnit({
  listen,
  plainHttp,
}: Pick<Service, 'listen' | 'plainHttp'>): Result<RenderedFile, Diagnostic[]> {
  const addresses = [listen, ...(plainHttp === undefined ? [] : [plainHttp])];
  const streams = addresses.map(toStream);
  const unnamed = addresses.filter((_address, index) => streams[index] === undefined);
  if (unnamed.length > 0)
    return fail(
      unnamed.map(({ host, port }) =>
        toUnsupported(
          `systemd cannot open \`${formatAuthority(host, port)}\``,
          'write an IP address and a port in the configuration',
        ),
      ),
    );
  const text = `[Unit]
Description=Addresses of Breakwater, the secure front door for MCP servers

[Socket]
# Breakwater knows them by their ports, which are those of its configuration; no FileDescriptorName= is needed.
${streams.map((stream) => `ListenStream=${stream}\n`).join('')}# As many clients may come back at once.
Backlog=4096

[Install]
WantedBy=sockets.target
`;
  return ok({ path: 'breakwater.socket', text });
}

/** systemd.socket(5), ListenStream: it takes no names. */
function toStream({ host, port }: ListenAddress): string | undefined {
  const address = host === 'localhost' ? '127.0.0.1' : host;
  return isIP(address) === 0 || port === 0 ? undefined : formatAuthority(address, port);
}

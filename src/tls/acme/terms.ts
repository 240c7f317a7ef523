import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock.ts';
import { toPrintableLine } from '../../lib/printable.ts';
import { readAccountFile } from './account-file.ts';
import { fetchDirectory } from './acme-directory.ts';
import { createAcmeHttp } from './acme-http.ts';
import { toIssuerId, toIssuerTitle, type IssuerSettings } from './issuer-settings.ts';

/** True when the terms of an authority were accepted before: it has given us an account. */
export async function hasAccount(stateDir: string, directory: string): Promise<boolean> {
  const account = await readAccountFile(join(stateDir, 'acme', toIssuerId(directory)));
  return account?.url !== undefined;
}

/**
 * Where the terms of an authority are, as its directory says; undefined when it has none. Rejects when the directory cannot be
 * read within five seconds.
 */
export async function fetchTerms(
  settings: IssuerSettings,
  { version, clock }: { readonly version: string; readonly clock: Clock },
): Promise<string | undefined> {
  const roots = settings.ca === undefined ? undefined : await readFile(settings.ca, 'utf8');
  const http = createAcmeHttp({ roots, version, clock, allowPlainLoopback: false });
  try {
    const { meta } = await fetchDirectory({
      http,
      url: settings.directory,
      title: toIssuerTitle(settings),
      clock,
      signal: AbortSignal.timeout(5000),
    });
    return meta?.termsOfService === undefined ? undefined : toPrintableLine(meta.termsOfService, 200);
  } finally {
    http.close();
  }
}

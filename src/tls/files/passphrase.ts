import type { Diagnostic } from '../../lib/diagnostic.ts';
import { ok, type Result } from '../../lib/result.ts';
import { readTextFile } from './text-file.ts';

/** Where the passphrase of an encrypted private key comes from. It is never logged. */
export type PassphraseSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'environment'; readonly name: string; readonly value: string };

export interface Passphrase {
  readonly text: string;
  /** The file or the variable, for messages. */
  readonly origin: string;
  /** With its permission bits. */
  readonly file: { readonly file: string; readonly mode: number } | undefined;
}

/** Of a file the first line, as OpenSSL's own programs read it: every editor puts a line end there. */
export async function readPassphrase(source: PassphraseSource): Promise<Result<Passphrase, Diagnostic>> {
  switch (source.kind) {
    case 'environment':
      return ok({ text: source.value, origin: `the variable \`${source.name}\``, file: undefined });
    case 'file': {
      const read = await readTextFile({ path: source.path, what: 'passphrase file' });
      if (!read.ok) return read;
      const { text, ...file } = read.value;
      return ok({ text: text.replace(/\r?\n[^]*$/, ''), origin: `\`${source.path}\``, file });
    }
  }
}

import { parseDocument } from 'yaml';

/** What a configuration with problems says of `state_dir`, so that the gateway that runs with it can still be found; `undefined` for nothing usable. */
export function peekStateDir(text: string): string | undefined {
  const document = parseDocument(text, { logLevel: 'silent' });
  const stateDir: unknown = document.get('state_dir');
  return typeof stateDir === 'string' && stateDir !== '' ? stateDir : undefined;
}

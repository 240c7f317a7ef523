import { setFlagsFromString } from 'node:v8';

/**
 * Keeps code compiled for as long as the process lives. V8 forgets functions that were not called for some minutes, and a gateway
 * that was idle would answer its next calls at the speed of an interpreter. The setting is V8's; Bun has another engine.
 */
export function keepCompiledCode(): void {
  if (process.versions.bun === undefined) setFlagsFromString('--no-flush-bytecode');
}

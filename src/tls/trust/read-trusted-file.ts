import { explainFileError } from '../../lib/file-errors.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { readFileIfThere } from '../../lib/read-if-there.ts';

/** The text of a file that programs take authorities from; undefined when there is none. Throws a GatewayError E_TRUST_STORE. */
export async function readTrustedFile(path: string): Promise<string | undefined> {
  try {
    return await readFileIfThere(path);
  } catch (cause) {
    throw new GatewayError('E_TRUST_STORE', `cannot read \`${path}\`: ${explainFileError(cause)}`, { cause });
  }
}

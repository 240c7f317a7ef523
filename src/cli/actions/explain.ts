import { errorCodes, type ErrorCode, type ErrorEntry } from '../../lib/error-codes.ts';
import { GatewayError } from '../../lib/gateway-error.ts';
import { suggestion } from '../../lib/suggestion.ts';
import { writeEnvelope, type CliContext } from '../context.ts';
import { wrap } from '../wrap.ts';

/** Explains one code, or lists all. The spelling is forgiving: `config-value` is `E_CONFIG_VALUE`. */
export function runExplain(wanted: string | undefined, context: CliContext): number {
  const codes = wanted === undefined ? listCodes() : [findCode(wanted)];
  const { stdout } = context.io;
  if (context.json) {
    writeEnvelope(context, 'explain', { errors: codes.map((code) => ({ code, ...errorCodes[code] })) });
  } else if (wanted === undefined) {
    const width = Math.max(...codes.map((code) => code.length));
    stdout.write(codes.map((code) => `${code.padEnd(width)}  ${errorCodes[code].title}\n`).join(''));
  } else {
    const width = Math.min(stdout.columns, 100);
    stdout.write(codes.map((code) => describe(code, { entry: errorCodes[code], width })).join('\n'));
  }
  return 0;
}

export function listCodes(): ErrorCode[] {
  return Object.keys(errorCodes).filter(isErrorCode);
}

function findCode(wanted: string): ErrorCode {
  const spelled = wanted.toUpperCase().replaceAll('-', '_');
  const code = spelled.startsWith('E_') ? spelled : `E_${spelled}`;
  if (isErrorCode(code)) return code;
  const meant = suggestion(code, listCodes());
  throw new GatewayError('E_USAGE', `\`${wanted}\` is not an error code`, {
    hint: meant === undefined ? 'run `breakwater explain` to list all codes' : `did you mean \`${meant}\`?`,
  });
}

function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(errorCodes, text);
}

function describe(code: ErrorCode, { entry, width }: { entry: ErrorEntry; width: number }): string {
  const facts = [
    entry.status === undefined ? [] : [`HTTP status ${entry.status}`],
    entry.rpcCode === undefined ? [] : [`JSON-RPC code ${entry.rpcCode}`],
    entry.exit === undefined ? [] : [`exit code ${entry.exit}`],
  ].flat();
  const paragraphs = [`${code}: ${entry.title}`, entry.explanation, `fix: ${entry.fix}`, facts.join(', ')];
  return paragraphs
    .filter((text) => text !== '')
    .map((text) => `${wrap(text, width)}\n`)
    .join('\n');
}

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { systemClock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { explainFileError, hasCode } from '../lib/file-errors.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import type { Config } from './config.ts';
import { checkConsistency } from './consistency.ts';
import type { FileMapping } from './file-value.ts';
import { overlayEnvironment, overlayFlags, type ConfigFlags, type Environment } from './overlay.ts';
import { resolveConfig, resolveFile } from './resolve.ts';
import { findRisks } from './risks.ts';
import { nameSecrets, readSecrets } from './secrets.ts';
import { parseSections } from './sections.ts';
import { SourceTree, type Provenance } from './source-tree.ts';
import { parseYamlSource } from './yaml-source.ts';

export interface LoadOptions {
  /** File name, or `-` for standard input. Without it `breakwater.yaml` in `cwd` is used if it exists and no target is given. */
  readonly file?: string;
  readonly env: Environment;
  readonly flags: ConfigFlags;
  readonly cwd: string;
  /** `named`: secrets are where the configuration will be used, and are empty here. Read unless given. */
  readonly secrets?: 'read' | 'named';
  /** Wall-clock milliseconds, against which the ends of keys are held; the system's unless given. */
  readonly now?: number;
  /** Reads an absolute path, or `-`; the file system and standard input unless given. */
  readonly readFile?: (path: string) => Promise<Uint8Array>;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly Diagnostic[];
  /** Origin of every setting that is not a default. */
  readonly provenance: Provenance;
  /** What was given, by whichever source, in the words of the file. */
  readonly settings: FileMapping;
  /** The `--auth` of the command line: after `key` the caller makes a key and adds the store's with `withStoredKeys`. */
  readonly authRequested: 'key' | 'oauth' | 'none' | undefined;
  /** The file that was read, as it was named. */
  readonly file: string | undefined;
  /** What was read from it. */
  readonly text: string | undefined;
}

/** What is read in the working directory where no file is named. */
export const defaultFile = 'breakwater.yaml';
const largestFile = 1024 * 1024;

/**
 * Reads the configuration: flag over environment over file over default. All problems come at once, each with its
 * place; never throws for what a file, a variable or a flag contains.
 */
export async function loadConfig(options: LoadOptions): Promise<Result<LoadedConfig, Diagnostic[]>> {
  const text = await readSource(options);
  if (!text.ok) return fail([text.error]);
  const { value: found } = text;
  const yaml = found === undefined ? undefined : parseYamlSource(found);
  if (yaml?.sound === false) return fail(inOrder(yaml.problems));
  const tree = new SourceTree(yaml);
  const notes = [
    ...(yaml?.problems ?? []),
    ...overlayEnvironment(tree, options.env),
    ...overlayFlags(tree, options.flags),
  ];
  const { draft, problems } = parseSections(tree);
  // With `--auth key` the door is locked before anyone can come.
  const exposed = options.flags.auth === 'key' ? { ...draft, danger_allow_public: false } : draft;
  const { env: environment, cwd } = options;
  const read = options.readFile ?? readFromSystem;
  const { secrets, problems: missing } =
    options.secrets === 'named'
      ? { secrets: nameSecrets(draft), problems: [] }
      : await readSecrets(draft, {
          tree,
          environment,
          readFile: (path, name) => read(resolveFile({ path, name, context: { tree, cwd } })),
        });
  const all = [
    ...notes,
    ...problems,
    ...missing,
    ...checkConsistency(draft, tree),
    ...findRisks(exposed, tree, options.now ?? systemClock.now()),
  ];
  if (all.some(({ severity }) => severity === 'error')) return fail(inOrder(all));
  return ok({
    config: resolveConfig(draft, { tree, environment, cwd, secrets }),
    warnings: inOrder(all),
    provenance: tree.provenance(),
    settings: tree.settings(),
    authRequested: options.flags.auth,
    file: found?.file,
    text: found?.text,
  });
}

interface SourceFile {
  readonly file: string;
  readonly text: string;
}

async function readSource(options: LoadOptions): Promise<Result<SourceFile | undefined, Diagnostic>> {
  const { file, flags, cwd } = options;
  if (file === undefined && flags.target !== undefined) return ok(undefined);
  const name = file ?? defaultFile;
  const shown = name === '-' ? '<stdin>' : name;
  const read = options.readFile ?? readFromSystem;
  const problem = (reason: string): Result<never, Diagnostic> =>
    fail({ severity: 'error', code: 'E_CONFIG_FILE', message: `\`${shown}\` cannot be read: ${reason}` });
  try {
    const bytes = await read(name === '-' ? name : resolve(cwd, name));
    if (bytes.byteLength > largestFile) return problem('it is larger than 1 MiB');
    return ok({ file: shown, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) });
  } catch (error) {
    if (hasCode(error, 'ENOENT') && file === undefined) return ok(undefined);
    if (hasCode(error, 'ERR_ENCODING_INVALID_ENCODED_DATA')) return problem('it is not text in UTF-8');
    if (error instanceof Error && !('code' in error)) return problem(error.message);
    return problem(explainFileError(error));
  }
}

function readFromSystem(path: string): Promise<Uint8Array> {
  return path === '-' ? buffer(process.stdin) : readFile(path);
}

/** Errors before warnings, then as they stand in the file; environment and command line, which have no lines, first. */
function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const rank = ({ severity, line = 0, column = 0 }: Diagnostic): readonly number[] => [
    severity === 'error' ? 0 : 1,
    line,
    column,
  ];
  return [...diagnostics].sort((left, right) => {
    const other = rank(right);
    return rank(left).reduce((order, value, index) => order || value - (other[index] ?? 0), 0);
  });
}

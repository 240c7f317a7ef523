import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command, Option } from 'commander';
import { defaultStateDir } from '../../config/state-dir.ts';
import { accountKind } from '../../auth/accounts/account-record.ts';
import { keyKind } from '../../auth/keys/key-record.ts';
import { readRecordNames } from '../../state/store/record-names.ts';
import { fromFolderName } from '../../tls/automation/certificate-name.ts';
import type { CliIo } from '../io.ts';
import { listExplained } from './explain.ts';

/** Values that the command tree does not know, by the name of an argument: what it may be. */
export type ArgumentValues = { readonly [argument: string]: (() => readonly string[]) | undefined };

/** Those of this machine: error codes and findings, and the names of certificates, API keys and accounts in the default state directory. */
export function buildArgumentValues({ env, cwd }: Pick<CliIo, 'env' | 'cwd'>): ArgumentValues {
  const inState = (read: (stateDir: string) => readonly string[]) => (): readonly string[] => {
    try {
      return read(resolve(cwd, env['BREAKWATER_STATE_DIR'] || defaultStateDir(env, cwd)));
    } catch {
      // A directory that is not there, or not for us, completes to nothing.
      return [];
    }
  };
  return {
    CODE: listExplained,
    NAME: inState((stateDir) => {
      const folders = readdirSync(join(stateDir, 'certificates'));
      return folders.map(fromFolderName).filter((name) => name !== undefined);
    }),
    KEY: inState((stateDir) => readRecordNames(stateDir, keyKind)),
    USER: inState((stateDir) => readRecordNames(stateDir, accountKind)),
  };
}

interface Candidate {
  readonly value: string;
  readonly meaning: string;
}

/**
 * Lines for a shell: `value<TAB>meaning`, or `:files` where the shell should complete file names.
 * The last word is the one being typed; it may be empty.
 */
export function completeWords(
  program: Command,
  words: readonly string[],
  known: ArgumentValues = {},
): string[] {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { command, operands, pending } = follow(program, before);
  const found = pending === undefined ? suggest({ command, operands, typed, known }) : suggestValue(pending);
  if (found === 'files') return [':files\n'];
  return found
    .filter(({ value }) => value.startsWith(typed))
    .map(({ value, meaning }) => `${value}\t${meaning}\n`);
}

interface Position {
  readonly command: Command;
  /** How many arguments of the command are already there. */
  readonly operands: number;
  /** An option that waits for its value. */
  readonly pending: Option | undefined;
}

function follow(program: Command, words: readonly string[]): Position {
  let command = program;
  let operands = 0;
  let pending: Option | undefined;
  for (const word of words) {
    if (pending !== undefined) {
      pending = undefined;
    } else if (word.startsWith('-')) {
      const option = visibleOptions(command).find(({ long, short }) => word === long || word === short);
      pending = option?.required === true ? option : undefined;
    } else {
      const child =
        operands === 0 ? command.commands.find((candidate) => candidate.name() === word) : undefined;
      if (child === undefined) operands++;
      else command = child;
    }
  }
  return { command, operands, pending };
}

function suggest(options: {
  command: Command;
  operands: number;
  typed: string;
  known: ArgumentValues;
}): readonly Candidate[] | 'files' {
  const { command, operands, typed, known } = options;
  if (typed.startsWith('-')) {
    return visibleOptions(command).map(({ long, short, description }) => ({
      value: long ?? short ?? '',
      meaning: description,
    }));
  }
  if (command.commands.length > 0 && operands > 0) return [];
  if (command.commands.length > 0) {
    return command
      .createHelp()
      .visibleCommands(command)
      .map((child) => ({ value: child.name(), meaning: child.summary() || child.description() }));
  }
  const argument = command.registeredArguments[operands];
  if (argument === undefined) return [];
  const values = argument.argChoices ?? known[argument.name()]?.();
  if (values !== undefined) return values.map((value) => ({ value, meaning: argument.description }));
  return argument.name() === 'FILE' ? 'files' : [];
}

function suggestValue(option: Option): readonly Candidate[] | 'files' {
  if (option.argChoices !== undefined) {
    return option.argChoices.map((value) => ({ value, meaning: option.description }));
  }
  return /<(?:FILE|DIR)>/.test(option.flags) ? 'files' : [];
}

function visibleOptions(command: Command): readonly Option[] {
  const help = command.createHelp();
  return [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
}

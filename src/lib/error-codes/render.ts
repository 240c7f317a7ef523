import type { ErrorEntry } from '../error-entry.ts';

export type RenderErrorCode =
  | 'E_RENDER_UNSUPPORTED'
  | 'E_RENDER_PARTIAL'
  | 'E_RENDER_EXISTS'
  | 'E_RENDER_NO_ENGINE'
  | 'E_RENDER_REFUSED';

/** `E_RENDER_`: what can keep `breakwater render` from writing a configuration for another engine. */
export const renderErrorCodes: { readonly [code in RenderErrorCode]: ErrorEntry } = {
  E_RENDER_UNSUPPORTED: {
    title: 'the engine cannot do what the configuration asks for',
    explanation:
      'Some things cannot be left out of a rendered configuration without opening a door or breaking clients: a route that needs callers to identify themselves, or a name that the syntax of the engine has no way to write. Nothing is rendered then. With `--mode front` the engine only ends TLS and Breakwater, behind it, does the rest.',
    fix: 'render with `--mode front`',
    exit: 2,
  },
  E_RENDER_PARTIAL: {
    title: 'the engine does less than Breakwater would',
    explanation:
      'No engine does all that Breakwater does on its own listener. What is missing in a rendered configuration, and what follows from it, is said once for each thing; the configuration is written all the same.',
    fix: 'accept it, or render with `--mode front`, so that Breakwater does the rest',
  },
  E_RENDER_EXISTS: {
    title: 'a file that Breakwater did not write is in the way',
    explanation:
      'The first lines of rendered files say that Breakwater wrote them, and such files are replaced. Any other file of that name may be the work of a person, so nothing is written.',
    fix: 'choose another place with `-o`, or replace the file with `--force`',
    exit: 6,
  },
  E_RENDER_NO_ENGINE: {
    title: 'the engine cannot test it here',
    explanation:
      'With `--check` the engine itself tests the rendered configuration. Its program was not found on this machine, or it wants something that is not here: `kubectl` takes the schemas from a cluster.',
    fix: 'install the engine, or run its own test on the machine that has it',
    exit: 4,
  },
  E_RENDER_REFUSED: {
    title: 'the engine refuses the rendered configuration',
    explanation:
      "With `--check` the engine's own test is run on the rendered configuration. It failed; what it said is shown. Mostly a certificate file is missing or not readable here, or the engine is of another version.",
    fix: 'read what the engine said',
    exit: 5,
  },
};

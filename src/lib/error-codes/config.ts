import type { ErrorEntry } from '../error-entry.ts';

export type ConfigErrorCode =
  | 'E_CONFIG_FILE'
  | 'E_CONFIG_SYNTAX'
  | 'E_CONFIG_DUPLICATE_KEY'
  | 'E_CONFIG_UNKNOWN_KEY'
  | 'E_CONFIG_MISSING'
  | 'E_CONFIG_TYPE'
  | 'E_CONFIG_VALUE'
  | 'E_CONFIG_CONFLICT'
  | 'E_CONFIG_NO_ROUTE'
  | 'E_CONFIG_PATH'
  | 'E_CONFIG_DUPLICATE_ROUTE'
  | 'E_CONFIG_UPSTREAM'
  | 'E_CONFIG_UPSTREAM_LOOP'
  | 'E_CONFIG_DOMAIN'
  | 'E_CONFIG_ORIGIN'
  | 'E_CONFIG_KEY'
  | 'E_CONFIG_RISK';

/** `E_CONFIG_`: the configuration. */
export const configErrorCodes: { readonly [code in ConfigErrorCode]: ErrorEntry } = {
  E_CONFIG_FILE: {
    title: 'the configuration file cannot be read',
    explanation:
      'The file does not exist, may not be read, is larger than 1 MiB, or is not text in UTF-8. Without `--config`, `breakwater.yaml` in the working directory is used when it exists.',
    fix: 'correct the file name or its permissions',
    exit: 2,
  },
  E_CONFIG_SYNTAX: {
    title: 'the configuration is not valid YAML',
    explanation:
      'The file is read as one YAML 1.2 document with a mapping at its top. Values that begin with a character that means something to YAML, such as `[`, `*`, `@` or `%`, need quotes.',
    fix: 'correct the marked place; indent with spaces and put quotes around unusual values',
    exit: 2,
  },
  E_CONFIG_DUPLICATE_KEY: {
    title: 'a key is given twice in one mapping',
    explanation:
      'YAML parsers disagree on which of two equal keys wins, so the configuration could mean something else to another reader.',
    fix: 'keep one of the two',
    exit: 2,
  },
  E_CONFIG_UNKNOWN_KEY: {
    title: 'a setting does not exist',
    explanation:
      'Unknown keys are errors, because a misspelled security setting that is silently ignored leaves the door open. `breakwater schema` lists every setting.',
    fix: 'rename or remove the key, or run `breakwater schema`',
    exit: 2,
  },
  E_CONFIG_MISSING: {
    title: 'a required setting is missing',
    explanation: 'The mapping lacks a key that has no default.',
    fix: 'add the key',
    exit: 2,
  },
  E_CONFIG_TYPE: {
    title: 'a setting has the wrong kind of value',
    explanation:
      'A mapping, a list, a text, a number, or true and false cannot stand for one another. A key without any value is refused too, because it is not clear whether the default was meant.',
    fix: 'correct the value; `breakwater schema` lists every setting with its form',
    exit: 2,
  },
  E_CONFIG_VALUE: {
    title: 'a setting has a value that cannot be used',
    explanation: 'The value has the right kind, but not the form or the range of this setting.',
    fix: 'correct the value; `breakwater schema` lists every setting with its form',
    exit: 2,
  },
  E_CONFIG_CONFLICT: {
    title: 'two settings contradict each other',
    explanation: 'Each setting is valid alone, but together they cannot be obeyed, or one needs the other.',
    fix: 'change one of the two',
    exit: 2,
  },
  E_CONFIG_NO_ROUTE: {
    title: 'no MCP server is configured',
    explanation: 'A gateway without a route would answer nothing but 404.',
    fix: 'add `routes: [{ upstream: http://127.0.0.1:8000/mcp }]`, or run `breakwater up 8000`',
    exit: 2,
  },
  E_CONFIG_PATH: {
    title: 'the path of a route cannot be used',
    explanation:
      'Paths are compared exactly as they are sent, so only forms that every client and proxy reads alike are allowed: a leading `/`, no empty or dot segments, and none of `%`, `;`, `?`, `#`, `\\` and white space. The health pages and `/.well-known/` belong to Breakwater.',
    fix: 'choose a plain path such as `/mcp`',
    exit: 2,
  },
  E_CONFIG_DUPLICATE_ROUTE: {
    title: 'two routes have the same path',
    explanation:
      'A path leads to exactly one MCP server for each host. `/mcp` and `/mcp/` are the same path, because clients add and drop the slash.',
    fix: 'give one of the routes another path, or the `host` that it is for',
    exit: 2,
  },
  E_CONFIG_UPSTREAM: {
    title: 'the address of an MCP server is not understood',
    explanation:
      'An upstream is a URL with `http` or `https`, a `host:port`, a port of this machine, or a Unix socket. Without a path `/mcp` is meant. User names, queries and fragments are not part of it.',
    fix: 'write `http://127.0.0.1:8000/mcp`, `127.0.0.1:8000`, `8000` or `unix:/run/server.sock:/mcp`',
    exit: 2,
  },
  E_CONFIG_UPSTREAM_LOOP: {
    title: 'an upstream is the gateway itself',
    explanation:
      'The upstream names an address that Breakwater listens on, so every request would run in circles until connections run out.',
    fix: 'name the address of the MCP server, or let Breakwater listen on another port',
    exit: 2,
  },
  E_CONFIG_DOMAIN: {
    title: 'a domain is not a host name',
    explanation:
      'A domain is one full host name such as `mcp.example.com`, a wildcard for one label such as `*.mcp.example.com`, or an address. Schemes and ports are not part of it. A wildcard directly below a name without a dot is refused: anyone can have such a name, and would pass the check against DNS rebinding.',
    fix: 'write the host name alone; put further names with ports into `hosts`',
    exit: 2,
  },
  E_CONFIG_ORIGIN: {
    title: 'an origin is not in the form that browsers send',
    explanation:
      'An origin is scheme, host and port without a path, such as `https://app.example.com`. `null` is what every sandboxed page and local file sends, and `*` is every page, so neither can be allowed.',
    fix: 'write the origin as `https://app.example.com`',
    exit: 2,
  },
  E_CONFIG_KEY: {
    title: 'the hash of an API key is not a SHA-256',
    explanation:
      'The configuration holds only the SHA-256 of a key as 64 hexadecimal digits, never the key, so that whoever reads the file cannot use it.',
    fix: 'run `printf %s "$KEY" | sha256sum`, and write its first 64 characters',
    exit: 2,
  },
  E_CONFIG_RISK: {
    title: 'a setting is allowed but likely to hurt',
    explanation: 'The configuration works, yet the setting weakens a protection or a guarantee.',
    fix: 'remove the setting unless it is meant',
    exit: 2,
  },
};

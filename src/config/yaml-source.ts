import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type Document,
  type Node,
  type YAMLError,
} from 'yaml';
import type { Diagnostic } from '../lib/diagnostic.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import { isJsonObject } from '../lib/json.ts';
import { isSecretValue, maskSecrets } from './mask.ts';
import { createSourceText, type SourceText, type Span } from './source-text.ts';

/** Where one value of the file stands, and the key before it where it has one. */
export interface YamlSpot {
  readonly path: readonly PropertyKey[];
  readonly key: Span | undefined;
  readonly value: Span;
}

/** A file as plain values with the place of each. With any problem of `syntax` the values are not worth checking. */
export interface YamlSource {
  readonly root: unknown;
  readonly spots: readonly YamlSpot[];
  readonly source: SourceText;
  readonly problems: readonly Diagnostic[];
  readonly sound: boolean;
}

const mostNodes = 20_000;
const deepest = 64;

/** Reads one YAML 1.2 document. Never throws: deep nesting, alias bombs and circular aliases are problems like any other. */
export function parseYamlSource({ text, file }: { text: string; file: string }): YamlSource {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, logLevel: 'silent' });
  const walk = new Walk(document);
  const syntax = [...document.errors, ...document.warnings];
  const root = syntax.length === 0 ? (walk.read(document.contents, []) ?? {}) : {};
  const source = createSourceText({ file, text, secrets: walk.secrets });
  const problems = [
    ...syntax.map((error) => fromYamlError(error, source)),
    ...walk.problems.map(({ span, first, ...problem }): Diagnostic => {
      const secondary = first && { ...source.place(first), label: 'first given here' };
      return { severity: 'error', ...problem, ...source.place(span), ...(secondary && { secondary }) };
    }),
  ];
  if (syntax.length === 0 && !isJsonObject(root)) {
    problems.push({
      severity: 'error',
      code: 'E_CONFIG_TYPE',
      message: 'the configuration is not a mapping',
      label: 'expected `key: value` lines',
      ...source.place(toSpan(document.contents)),
    });
  }
  const sound = problems.every(({ code }) => code === 'E_CONFIG_DUPLICATE_KEY');
  return { root, spots: walk.spots, source, problems, sound };
}

interface WalkProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly label: string;
  readonly span: Span;
  readonly first?: Span;
}

class Walk {
  readonly spots: YamlSpot[] = [];
  readonly secrets: Span[] = [];
  readonly problems: WalkProblem[] = [];
  readonly #document: Document.Parsed;
  #nodes = 0;

  constructor(document: Document.Parsed) {
    this.#document = document;
  }

  read(node: Node | null | undefined, path: readonly PropertyKey[]): unknown {
    // Against alias bombs ("billion laughs"): what aliases multiply is counted as if it were written out.
    if (++this.#nodes > mostNodes || path.length > deepest) {
      return this.#refuse('the configuration is too large or nested too deeply', 'given up here', node);
    }
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target === undefined) {
        return this.#refuse(
          'an alias names an anchor that does not exist',
          'no such anchor before this place',
          node,
        );
      }
      return this.read(target, path);
    }
    if (isMap<unknown, Node | null>(node)) return this.#readMap(node.items, path);
    if (isSeq<Node | null>(node)) {
      return node.items.map((item, index) => {
        const child = [...path, index];
        this.#note({ path: child, key: undefined, value: toSpan(item) }, item);
        return this.read(item, child);
      });
    }
    return isScalar(node) ? node.value : null;
  }

  #readMap(pairs: readonly { key: unknown; value: Node | null }[], path: readonly PropertyKey[]): unknown {
    const map = Object.create(null) as Record<string, unknown>; // No prototype, so that `__proto__` is a key like any other.
    const keys = new Map<string, Span>();
    for (const { key, value } of pairs) {
      const span = toSpan(key);
      if (!isScalar(key) || typeof key.value !== 'string') {
        this.problems.push({
          code: 'E_CONFIG_SYNTAX',
          message: 'a key is not text',
          label: 'keys are names',
          span,
        });
        continue;
      }
      const first = keys.get(key.value);
      if (first !== undefined) {
        this.problems.push({
          code: 'E_CONFIG_DUPLICATE_KEY',
          message: `\`${maskSecrets(key.value)}\` is given twice`,
          label: 'given again here',
          span,
          first,
        });
        continue;
      }
      keys.set(key.value, span);
      const child = [...path, key.value];
      const plain = isScalar(value) && value.value !== null;
      this.#note({ path: child, key: span, value: plain ? toSpan(value) : span }, value);
      map[key.value] = this.read(value, child);
    }
    return map;
  }

  #note(spot: YamlSpot, node: Node | null): void {
    this.spots.push(spot);
    if (isScalar(node) && isSecretValue(spot.path, node.value)) this.secrets.push(toSpan(node));
  }

  #refuse(message: string, label: string, node: Node | null | undefined): null {
    if (!this.problems.some((problem) => problem.message === message)) {
      this.problems.push({ code: 'E_CONFIG_SYNTAX', message, label, span: toSpan(node) });
    }
    return null;
  }
}

function fromYamlError(error: YAMLError, source: SourceText): Diagnostic {
  // The tail after a colon repeats the input, which may be a secret.
  const reason = error.message.replace(/: ["!].*$/s, '').replace(/; please use .*$/s, '');
  return {
    severity: 'error',
    code: 'E_CONFIG_SYNTAX',
    message: 'the configuration is not valid YAML',
    label: reason.charAt(0).toLowerCase() + reason.slice(1),
    ...source.place({ start: error.pos[0], end: error.pos[1] }),
  };
}

function toSpan(node: unknown): Span {
  const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
  return { start: range?.[0] ?? 0, end: range?.[1] ?? 0 };
}

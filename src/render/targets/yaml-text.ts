import {
  Document,
  Scalar,
  YAMLMap,
  YAMLSeq,
  type DocumentOptions,
  type Node,
  type ScalarTag,
  type SchemaOptions,
} from 'yaml';
import { requirements, type RequirementId } from '../requirements.ts';

const noteKey: unique symbol = Symbol('note');

/** A value with comments over its key, or over itself in a list. */
export interface Noted {
  readonly [noteKey]: readonly string[];
  readonly value: YamlValue;
}

/** Text that is written as it is, such as an action of a template. Without line breaks. */
export class Verbatim {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export interface YamlMapping {
  readonly [key: string]: YamlValue | undefined;
}

export type YamlValue = string | number | boolean | Noted | Verbatim | readonly YamlValue[] | YamlMapping;

/** Says what breaks without the value; several requirements where it serves them all. */
export function because(why: RequirementId | readonly RequirementId[], value: YamlValue): Noted {
  const list = typeof why === 'string' ? [why] : why;
  return { [noteKey]: list.map((id) => requirements[id].breaks), value };
}

/** A comment of its own, where the failure is one of the engine and not of any front. It may have several lines. */
export function noted(note: string, value: YamlValue): Noted {
  return { [noteKey]: [note], value };
}

/** YAML in which every comment stands once, where it is first needed. Keys without a value are left out. */
export function printYaml(value: YamlMapping): string {
  return printNode(toNode(value, new Set()));
}

/** Several documents in one file, for readers of YAML 1.1 too: what they would take for another kind of value is quoted. */
export function printYamlDocuments(documents: readonly YamlMapping[]): string {
  const told = new Set<string>();
  return documents
    .map((document) => printNode(toNode(document, told), { compat: 'yaml-1.1', customTags: [verbatimTag] }))
    .join('---\n');
}

function printNode(node: Node, options: DocumentOptions & SchemaOptions = {}): string {
  const document = new Document(node, options);
  return document.toString({ lineWidth: 0, singleQuote: true, flowCollectionPadding: false });
}

const verbatimTag: ScalarTag = {
  tag: 'tag:yaml.org,2002:verbatim',
  default: true,
  identify: (value) => value instanceof Verbatim,
  resolve: (text) => text,
  // The tag is found by `identify`.
  stringify: ({ value }) => (value as Verbatim).text,
};

function toNode(value: YamlValue, told: Set<string>): Node {
  const { comments, bare } = unwrap(value);
  const fresh = comments.filter((comment) => !told.has(comment));
  for (const comment of fresh) told.add(comment);
  const node = toBareNode(bare, told);
  const rows = fresh.flatMap((comment) => comment.split('\n'));
  if (rows.length > 0) node.commentBefore = rows.map((row) => ` ${row}`).join('\n');
  return node;
}

function toBareNode(bare: Exclude<YamlValue, Noted>, told: Set<string>): Node {
  if (typeof bare !== 'object' || bare instanceof Verbatim) return new Scalar(bare);
  if (isList(bare)) {
    const list = new YAMLSeq();
    for (const item of bare) list.add(toNode(item, told));
    return list;
  }
  const map = new YAMLMap<Scalar, Node>();
  for (const [key, item] of Object.entries(bare)) {
    if (item === undefined) continue;
    const name = new Scalar(key);
    const content = toNode(item, told);
    // Over the key: before the value, the comment would stand between the two.
    if (typeof content.commentBefore === 'string') {
      name.commentBefore = content.commentBefore;
      delete content.commentBefore;
    }
    map.set(name, content);
  }
  return map;
}

function unwrap(value: YamlValue): { comments: readonly string[]; bare: Exclude<YamlValue, Noted> } {
  if (!isNoted(value)) return { comments: [], bare: value };
  const inner = unwrap(value.value);
  return { comments: [...value[noteKey], ...inner.comments], bare: inner.bare };
}

function isNoted(value: YamlValue): value is Noted {
  return typeof value === 'object' && noteKey in value;
}

function isList(value: object): value is readonly YamlValue[] {
  return Array.isArray(value);
}

import { parseJsonObject, type JsonObject } from '../../lib/json.ts';

const deepest = 16;

interface Container {
  /** Names seen so far in an object; `undefined` in an array. */
  readonly names: Set<string> | undefined;
  awaitsName: boolean;
}

/**
 * Reads one JSON object, at most 16 levels deep. Refuses what readers disagree on: a name twice in one object
 * (RFC 8259 section 4), bytes that are not UTF-8, and `__proto__`, which turns into a prototype when copied.
 */
export function parseStrictJson(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return isPlain(text) ? parseJsonObject(text) : undefined;
  } catch {
    return undefined;
  }
}

/** Walks brackets and strings alone: the grammar is left to `JSON.parse`, which runs on what passes here. */
function isPlain(text: string): boolean {
  const stack: Container[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const top = stack.at(-1);
    switch (text.charAt(index)) {
      case '{':
        stack.push({ names: new Set(), awaitsName: true });
        break;
      case '[':
        stack.push({ names: undefined, awaitsName: false });
        break;
      case '}':
      case ']':
        stack.pop();
        break;
      case ',':
        if (top?.names !== undefined) top.awaitsName = true;
        break;
      case '"': {
        const end = findStringEnd(text, index);
        if (end === undefined) return false;
        if (top?.names !== undefined && top.awaitsName) {
          const name = JSON.parse(text.slice(index, end + 1)) as string;
          if (name === '__proto__' || top.names.has(name)) return false;
          top.names.add(name);
          top.awaitsName = false;
        }
        index = end;
        break;
      }
      default:
    }
    if (stack.length > deepest) return false;
  }
  return true;
}

function findStringEnd(text: string, start: number): number | undefined {
  for (let index = start + 1; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1;
    else if (text[index] === '"') return index;
  }
  return undefined;
}

/** Where the lists of an answer are, and what names an entry. */
export const listKeys = {
  tools: 'name',
  prompts: 'name',
  resources: 'uri',
  resourceTemplates: 'uriTemplate',
} as const;

type Json = Record<string, unknown>;

/** A parsed answer without the entries that may not be seen, worked out the slow way; changes `value`. */
export function filterParsed(value: unknown, isShown: (name: string) => boolean): unknown {
  if (Array.isArray(value))
    return value.map((entry) => (isObject(entry) ? filterParsed(entry, isShown) : entry));
  if (!isObject(value) || !isObject(value['result'])) return value;
  const { result } = value;
  for (const [list, key] of Object.entries(listKeys)) {
    const entries: unknown = Object.hasOwn(result, list) ? result[list] : undefined;
    if (Array.isArray(entries))
      result[list] = entries.filter((entry: unknown) => isNamed(entry, { key, isShown }));
  }
  return value;
}

function isNamed(
  entry: unknown,
  by: { readonly key: string; readonly isShown: (name: string) => boolean },
): boolean {
  const name = isObject(entry) && Object.hasOwn(entry, by.key) ? entry[by.key] : undefined;
  return typeof name === 'string' && by.isShown(name);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object of JSON from outside: nothing about its values is known. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Reads a JSON text (RFC 8259); `undefined`, which no JSON text means, for anything else. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Reads a JSON text that is an object; `undefined` for other values and for what is no JSON. */
export function parseJsonObject(text: string): JsonObject | undefined {
  const value = parseJson(text);
  return isJsonObject(value) ? value : undefined;
}

/** True for an object of JSON, which neither `null` nor an array is. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

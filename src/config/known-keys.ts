import { isJsonObject } from '../lib/json.ts';
import { buildJsonSchema, type JsonSchema } from './schema/document.ts';

/** Names of the settings that a mapping at this path may have, in the order of the schema. */
export type KnownKeys = (path: readonly PropertyKey[]) => readonly string[];

/** Builds the schema when it is first asked and keeps it: a file may have thousands of unknown keys. */
export function createKnownKeys(): KnownKeys {
  let document: JsonSchema | undefined;
  return (path) => {
    document ??= buildJsonSchema();
    const reached = path.reduce<readonly JsonSchema[]>(
      (schemas, part) => alternatives(schemas).flatMap((schema) => descend(schema, part)),
      [document],
    );
    return alternatives(reached).flatMap((schema) => Object.keys(schema.properties ?? {}));
  };
}

function alternatives(schemas: readonly JsonSchema[]): readonly JsonSchema[] {
  return schemas.flatMap((schema) => [schema, ...(schema.anyOf ?? [])].filter(isSchema));
}

function descend(schema: JsonSchema, part: PropertyKey): readonly JsonSchema[] {
  const next = typeof part === 'number' ? schema.items : schema.properties?.[String(part)];
  return isSchema(next) ? [next] : [];
}

function isSchema(value: unknown): value is JsonSchema {
  return isJsonObject(value);
}

/** A value of the file as it is written. */
export type FileValue = string | number | boolean | readonly FileValue[] | FileMapping;

export interface FileMapping {
  readonly [key: string]: FileValue;
}

/** The entries that have a value. */
export function present(values: Readonly<Record<string, FileValue | undefined>>): FileMapping {
  const given = Object.entries(values).flatMap(([key, value]): [string, FileValue][] =>
    value === undefined ? [] : [[key, value]],
  );
  return Object.fromEntries(given);
}

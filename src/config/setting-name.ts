/** The name of a setting in messages: `limits.head`, `routes[0].path`. */
export function formatSettingName(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : index === 0 ? String(part) : `.${String(part)}`,
    )
    .join('');
}

const owners: ReadonlyMap<string, string> = new Map([
  ['routes', 'a route'],
  ['keys', 'a key'],
  ['certificates', 'a certificate'],
  ['fallback', 'an authority'],
]);

/** What the setting is a part of: `a route`, `limits`, or nothing at the top. */
export function formatOwner(path: readonly PropertyKey[]): string {
  const last = path.at(-1);
  if (last === undefined) return '';
  if (typeof last !== 'number') return ` of \`${formatSettingName(path)}\``;
  const list = path.at(-2);
  const owner = typeof list === 'string' ? owners.get(list) : undefined;
  return ` of ${owner ?? `\`${formatSettingName(path)}\``}`;
}

/**
 * Ways in which origins have read a path: decoded once or twice, with or without dot segments, empty segments,
 * parameters, backslashes, in one letter case, cut at NUL, with the full-width forms of Unicode. Latin1 in, text out.
 */
const readings: readonly ((path: string) => string)[] = [
  (path) => path,
  decode,
  (path) => decode(decode(path)),
  (path) => path.replace(/[?#;].*$/s, ''),
  (path) => path.replaceAll(/;[^/]*/g, ''),
  (path) => path.replaceAll('\\', '/'),
  (path) => path.replace(/(?:\0|%00).*$/s, ''),
  (path) => path.normalize('NFKC'),
  (path) => Buffer.from(path, 'latin1').toString('utf8').normalize('NFKC'),
  (path) => path.replaceAll(/[. \t]+(?=\/|$)/g, ''),
  (path) => path.toLowerCase(),
  collapse,
  removeDotSegments,
];

/** Everything that some chain of up to three readings makes of a path, itself included. */
export function readPathInAllWays(path: string): ReadonlySet<string> {
  const seen = new Set([path]);
  let fresh = [path];
  for (let depth = 0; depth < 3; depth++) {
    const next: string[] = [];
    for (const text of fresh) {
      for (const read of readings) {
        const result = read(text);
        if (seen.has(result)) continue;
        seen.add(result);
        next.push(result);
      }
    }
    fresh = next;
  }
  return seen;
}

/** Percent signs undone, also the %u form of IIS and two-byte spellings of ASCII. */
function decode(path: string): string {
  return path
    .replaceAll(/%u00([\da-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/%([\da-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/[\xc0\xc1]([\x80-\xbf])/g, (all) =>
      String.fromCharCode(((all.charCodeAt(0) & 1) << 6) | (all.charCodeAt(1) & 0x3f)),
    );
}

function collapse(path: string): string {
  return path.replaceAll(/\/{2,}/g, '/');
}

function removeDotSegments(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/').slice(1)) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  return `/${kept.join('/')}`;
}

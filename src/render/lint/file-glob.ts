/**
 * `*`, `?` and `[abc]` for one file name. Names that begin with a dot match only patterns that do. Takes time in proportion to name times
 * pattern, whatever they are: patterns come from files of others.
 */
export function matchesGlob(name: string, pattern: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.')) return false;
  const signs = toSigns(pattern);
  let at = 0;
  let sign = 0;
  let star = -1;
  let restart = 0;
  while (at < name.length) {
    const current = signs[sign];
    if (current === '*') {
      star = sign;
      restart = at;
      sign += 1;
    } else if (current !== undefined && fits(name[at] ?? '', current)) {
      at += 1;
      sign += 1;
    } else if (star !== -1) {
      // The last star takes one more.
      restart += 1;
      at = restart;
      sign = star + 1;
    } else {
      return false;
    }
  }
  return signs.slice(sign).every((rest) => rest === '*');
}

/** `a`, `?`, `*`, `[abc]`. */
function toSigns(pattern: string): string[] {
  return pattern.match(/\[!?[^\]]+\]|./gsu) ?? [];
}

function fits(letter: string, sign: string): boolean {
  if (sign === '?') return true;
  if (sign.length < 3) return sign === letter;
  const isNegated = /^\[[!^]/.test(sign);
  const set = sign.slice(isNegated ? 2 : 1, -1);
  const ranges = [...set.matchAll(/(.)-(.)|(.)/gsu)];
  const isIn = ranges.some(([, low, high, single]) =>
    single === undefined ? (low ?? '') <= letter && letter <= (high ?? '') : single === letter,
  );
  return isIn !== isNegated;
}

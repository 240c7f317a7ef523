const dots = [
  '.',
  '..',
  '%2e',
  '%2E',
  '%2e%2e',
  '%2E%2e',
  '.%2e',
  '%252e%252e',
  '..;',
  '..;x=1',
  '...',
  '%c0%ae%c0%ae',
  '．．',
];
const slashes = ['/', '//', '%2f', '%2F', '%252f', '\\', '%5c', '%5C', '/;/', '/./', '%c0%af', '／'];
const tails = ['x', 'admin', 'mcp', '', 'mcp/', '.env'];
const garnish = [
  ';',
  ';a=b',
  '%00',
  '%0a',
  '%0d%0a',
  '%20',
  '+',
  '%',
  '%zz',
  '%2',
  '~',
  '!',
  '*',
  '@',
  ':80',
  ',',
  "'",
  '(',
  '$',
  '&',
  '=',
];

/** Spellings of, around and beside `/name` that some server or proxy reads as another path, or another path as it. */
export function buildSpellings(name: string): string[] {
  const first = name.slice(0, 1);
  const rest = name.slice(1);
  const found = new Set(buildWords(name));
  for (const dot of dots) {
    for (const slash of slashes) {
      found.add(`/${name}${slash}${dot}`);
      found.add(`/${name}/${dot}${slash}x`);
      found.add(`/${dot}${slash}${name}`);
      found.add(`/x${slash}${dot}/${name}`);
    }
    for (const tail of tails) found.add(`/${name}/${dot}/${tail}`);
  }
  for (const slash of slashes) for (const tail of tails) found.add(`/${name}${slash}${tail}`);
  for (const piece of garnish) {
    found.add(`/${name}${piece}`);
    found.add(`/${name}/${piece}`);
    found.add(`/${piece}${name}`);
    found.add(`/${name}${piece}/../${name}`);
  }
  found.add(`/${first.toUpperCase()}${rest}`);
  found.delete(`/${name}`);
  found.delete(`/${name}/`);
  return [...found];
}

function buildWords(name: string): string[] {
  const coded = name.split('').map((letter) => `%${letter.charCodeAt(0).toString(16)}`);
  const codeAt = (index: number): string =>
    name
      .split('')
      .map((letter, at) => (at === index ? coded[at] : letter))
      .join('');
  return [
    '/',
    '',
    '*',
    `/${name.toUpperCase()}`,
    `/${name.slice(0, 1)}${name.slice(1, 2).toUpperCase()}${name.slice(2)}`,
    `/${name}foo`,
    `/${name.slice(0, -1)}`,
    `/${name}.json`,
    `/${name}/foo`,
    `/${name}//`,
    `/${name}/${name}`,
    `/x${name}`,
    `/foo/${name}`,
    `//${name}`,
    `///${name}`,
    `/${codeAt(0)}`,
    `/${codeAt(1)}`,
    `/${codeAt(2)}`,
    `/${coded.join('').toUpperCase()}`,
    `/${name}%2f`,
    `/${name}%3fx`,
    `/${name}%23x`,
    `/${name}#x`,
    name,
    `http://localhost/${name}`,
    `https://localhost/${name}`,
    `http://127.0.0.1/${name}`,
    `//localhost/${name}`,
    `/http://localhost/${name}`,
    `/\u00b5${name.slice(1)}`,
    `/${name}\u00a0`,
    `/healthz/${name}`,
    `/healthz/../${name}`,
    `/.well-known/../${name}`,
  ];
}

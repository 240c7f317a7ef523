import type { Cluster } from '../cluster.ts';

/**
 * The commands that make what the pods read and no manifest may hold; none where there is nothing. `release` stands before the names
 * of the objects.
 */
export function listSecretCommands(
  { files }: Cluster,
  { release, kubectl }: { readonly release: string; readonly kubectl: string },
): readonly string[] {
  const { pairs, variables, secrets, texts } = files;
  const ofPairs = pairs.map(
    ({ name, cert, key }) =>
      `${kubectl} create secret generic ${release}-${name} --type=kubernetes.io/tls ${toFlag('tls.crt', cert)} ${toFlag('tls.key', key)}`,
  );
  const flags = [
    ...variables.map((variable) => toFlag(variable, `FILE_WITH_${variable}`)),
    ...secrets.map(({ key, path }) => toFlag(key, path)),
  ];
  const ofTexts = texts.map(({ key, path }) => toFlag(key, path));
  return [
    ...ofPairs,
    ...(flags.length === 0 ? [] : [`${kubectl} create secret generic ${release}-secrets ${flags.join(' ')}`]),
    ...(ofTexts.length === 0 ? [] : [`${kubectl} create configmap ${release}-files ${ofTexts.join(' ')}`]),
  ];
}

/** Names of the objects that these commands make. */
export function listSecretNames({ files }: Cluster, release: string): readonly string[] {
  const { pairs, variables, secrets, texts } = files;
  return [
    ...pairs.map(({ name }) => `${release}-${name}`),
    ...(variables.length + secrets.length === 0 ? [] : [`${release}-secrets`]),
    ...(texts.length === 0 ? [] : [`${release}-files`]),
  ];
}

/** One argument of a shell (POSIX 2.2.2). */
function toFlag(key: string, path: string): string {
  const quoted = /^[\w/.@:%+,=-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
  return `--from-file=${key}=${quoted}`;
}

import { dirname } from 'node:path';
import type { IncludeSyntax } from '../load-tree.ts';
import { parseNginx } from './parse.ts';

/** nginx takes relative names from the folder of the main file, which is one above `conf.d` and `sites-enabled`. */
export const nginxIncludes: IncludeSyntax = {
  parse: parseNginx,
  patternsOf: ({ name, args }) => {
    const [file] = args;
    // Types of files are no business of a proxy.
    if (name !== 'include' || file === undefined) return undefined;
    return /(?:^|\/)(?:mime\.types|fastcgi_params|fastcgi\.conf|uwsgi_params|scgi_params)$/.test(file.text)
      ? []
      : [file.text];
  },
  foldersOf: (_source, main) => {
    const folder = dirname(main.source.file);
    return [folder, dirname(folder)];
  },
};

import { type Directive, firstArg, headOf } from '../directive.ts';
import type { Span } from '../source.ts';
import { allOf, type ApacheEndpoint } from './model.ts';

/** Where something is missing: the virtual host, or the pass. */
export function hostOrPass({ host, pass }: ApacheEndpoint): Span {
  return headOf(host ?? pass);
}

/** `Header` and `RequestHeader` lines as what they do to which header. */
export function headerLines(
  endpoint: ApacheEndpoint,
  directive: 'header' | 'requestheader',
): {
  readonly line: Directive;
  readonly action: string;
  readonly name: string;
  readonly value: string;
  readonly isAlways: boolean;
}[] {
  return allOf(endpoint, directive).map((line) => {
    const words = line.args.map(({ text }) => text);
    const isAlways = words[0]?.toLowerCase() === 'always';
    const [action = '', name = '', value = ''] = /^(?:always|onsuccess|early)$/i.test(words[0] ?? '')
      ? words.slice(1)
      : words;
    return { line, action: action.toLowerCase(), name: name.toLowerCase(), value, isAlways };
  });
}

export function portOf(host: Directive | undefined): string {
  return /:(\d+)$/.exec(firstArg(host))?.[1] ?? '80';
}

/** The line that passes the calls on, or names the member of a balancer, with one parameter set. */
export function passWith({ pass, members }: ApacheEndpoint, parameter: string): string {
  const { head, args } = members[0] ?? pass;
  const key = parameter.split('=')[0]?.toLowerCase();
  const kept = args.map(({ text }) => text).filter((text) => text.split('=')[0]?.toLowerCase() !== key);
  return [head.text, ...kept, parameter].join(' ');
}

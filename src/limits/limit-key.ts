import { toAddressGroup } from '../lib/address-group.ts';

/** By what calls are counted. */
export type LimitKey = 'principal' | 'client' | 'address' | 'route' | 'tool';

/** What a request is, as far as limits look at it. */
export interface LimitedRequest {
  /** `Principal.id`; undefined on a route that lets in everyone. */
  readonly principalId: string | undefined;
  /** OAuth client, where there is one. */
  readonly client: string | undefined;
  readonly address: string;
  /** Identity of the route: its path, with its host before it where it is for one. */
  readonly route: string;
  /** Tool that is called, where one is. */
  readonly tool: string | undefined;
  /** Whether the answer is a stream that stays open, and counts against `streams`. */
  readonly isStream: boolean;
}

const longestTool = 128;

/**
 * What a request is counted by, undefined where it is not counted at all: a request that calls no tool, by tool. Who has no
 * client is counted as a principal, and who is no principal by the address, so that nobody slips through by being nobody.
 */
export function toLimitKey(per: LimitKey, request: LimitedRequest): string | undefined {
  switch (per) {
    case 'principal':
      return request.principalId ?? toAnonymousKey(request.address);
    case 'client':
      return request.client ?? request.principalId ?? toAnonymousKey(request.address);
    case 'address':
      return toAddressGroup(request.address);
    case 'route':
      return request.route;
    case 'tool':
      return request.tool === undefined ? undefined : toToolKey(request.route, request.tool);
  }
}

/** How many messages of a batch each key has to pay for. */
export function countKeys(
  tools: ReadonlyMap<string | undefined, number>,
  toKey: (tool: string | undefined) => string | undefined,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const [tool, count] of tools) {
    const key = toKey(tool);
    if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + count);
  }
  return counts;
}

/** No identity begins with NUL, so none can use up what belongs to an address. */
function toAnonymousKey(address: string): string {
  return `\0${toAddressGroup(address)}`;
}

/** Callers choose names of tools: all long ones are one, or a thousand megabytes would be kept for a thousand calls. */
function toToolKey(route: string, tool: string): string {
  return `${route}\0${tool.length > longestTool ? '' : tool}`;
}

import type { Clock, Timer } from '../lib/clock.ts';
import { isCurrent, type RouteAccess } from './access/route-access.ts';
import type { LoginRelay } from './login-relay.ts';
import { Relay } from './relay.ts';

const LOOK_MILLISECONDS = 1000;

/**
 * Ends what a caller has open once they may no longer come in: a key was revoked, a token is over. Most callers never end, so nothing
 * is asked for each of them; one look a second goes over all that is open.
 */
export function watchCallers(
  relays: { snapshot(): Iterable<Relay | LoginRelay> },
  { clock, routes }: { readonly clock: Clock; readonly routes: ReadonlyMap<string, RouteAccess> },
): Pick<Timer, 'cancel'> {
  const canEnd = [...routes.values()].some(
    ({ check }) => check?.keys !== undefined || check?.tokens !== undefined,
  );
  if (!canEnd) return { cancel: () => undefined };
  return clock.setInterval(() => {
    for (const relay of relays.snapshot()) if (relay instanceof Relay && isOver(relay)) relay.turnOut();
  }, LOOK_MILLISECONDS);
}

function isOver({ exchange: { destination, principal } }: Relay): boolean {
  if (destination.kind !== 'mcp' || principal === undefined) return false;
  const { check } = destination.route.access;
  return check !== undefined && !isCurrent(check, principal);
}

import type { Clock } from '../../../src/lib/clock.ts';
import { toNamesKey, type Ledger, type LimitName, type OrderRecord } from './ledger.ts';
import { rateLimited, type Problem } from './problem.ts';

const hour = 3_600_000;

/** What Let's Encrypt allows, counted over a sliding window, which is at least as strict as its refilling buckets. */
const limits: {
  readonly [name in Exclude<LimitName, 'retryAfter'>]: { readonly most: number; readonly within: number };
} = {
  failedAuthorizations: { most: 5, within: hour },
  certificatesPerNames: { most: 5, within: 7 * 24 * hour },
  ordersPerAccount: { most: 300, within: 3 * hour },
  accounts: { most: 10, within: 3 * hour },
};

/** Refuses what is beyond the limits, and notes it as a violation: a careful client never gets there. */
export interface LimitKeeper {
  checkAccount(): Problem | undefined;
  checkOrder(order: Pick<OrderRecord, 'account' | 'names' | 'exempt'>): Problem | undefined;
  /** Notes a failed validation, and that it was one too many: several orders at once can get past `checkOrder`. */
  addFailure(failure: { account: string; name: string; challenge: string; problem: string }): void;
}

export function createLimitKeeper(clock: Clock, ledger: Ledger): LimitKeeper {
  /** Milliseconds until one more is allowed; 0 when it is now. */
  function waitFor(limit: keyof typeof limits, times: readonly number[]): number {
    const { most, within } = limits[limit];
    const recent = times.filter((at) => at > clock.now() - within);
    const freeing = recent[recent.length - most];
    return freeing === undefined ? 0 : freeing + within - clock.now();
  }

  function refuse(
    limit: keyof typeof limits,
    wait: number,
    about: { readonly account: string | undefined; readonly names: readonly string[] },
  ): Problem | undefined {
    if (wait === 0) return undefined;
    ledger.violations.push({ at: clock.now(), limit, ...about });
    const { most, within } = limits[limit];
    return rateLimited(
      `too many ${limit} (${most} within ${within / hour} h) ${about.names.join(' ')}`,
      Math.ceil(wait / 1000),
    );
  }

  const failureTimes = (account: string, name: string): number[] =>
    ledger.failures
      .filter((failure) => failure.account === account && failure.name === name)
      .map(({ at }) => at);

  return {
    checkAccount() {
      const wait = waitFor(
        'accounts',
        ledger.accounts.map(({ at }) => at),
      );
      return refuse('accounts', wait, { account: undefined, names: [] });
    },
    checkOrder({ account, names, exempt }) {
      for (const name of names) {
        const wait = waitFor('failedAuthorizations', failureTimes(account, toAuthorizedName(name)));
        const problem = refuse('failedAuthorizations', wait, { account, names: [name] });
        if (problem !== undefined) return problem;
      }
      if (exempt) return undefined;
      const orders = ledger.orders.filter((order) => order.account === account && !order.exempt);
      const orderWait = waitFor(
        'ordersPerAccount',
        orders.map(({ at }) => at),
      );
      const problem = refuse('ordersPerAccount', orderWait, { account, names });
      if (problem !== undefined) return problem;
      const key = toNamesKey(names);
      const issued = ledger.certificates.filter(
        (certificate) => !certificate.order.exempt && toNamesKey(certificate.names) === key,
      );
      const setWait = waitFor(
        'certificatesPerNames',
        issued.map(({ at }) => at),
      );
      return refuse('certificatesPerNames', setWait, { account, names });
    },
    addFailure(failure) {
      const { account, name } = failure;
      const wait = waitFor('failedAuthorizations', failureTimes(account, name));
      refuse('failedAuthorizations', wait, { account, names: [name] });
      ledger.failures.push({ at: clock.now(), ...failure });
    },
  };
}

/** A wildcard is proven at the name it stands below. */
export function toAuthorizedName(name: string): string {
  return name.startsWith('*.') ? name.slice(2) : name;
}

import type { Clock } from '../../lib/clock.ts';
import { isAdmitted, type Profile } from './admission.ts';
import type { Store } from '../../state/store/store.ts';
import type { AccountBook, GithubLogin, Login, OidcLogin } from './server-options.ts';

/** Who logged in. */
export interface Person {
  /** The `sub` of tokens: `alice` for a local account, `owner`, `github.com|4711`, or `login.example.org|…` for OpenID users. */
  readonly subject: string;
  readonly login: Login['kind'];
  readonly profile: Profile;
}

export interface People {
  /** Notes what the login said about a person, for tokens and for checks at later refreshes. */
  remember(person: Person): Promise<void>;
  /** Finds a person who may still log in: not one whose account, provider or place on the allow-list is gone. */
  find(subject: string): Promise<Person | undefined>;
}

interface RememberedPerson extends Person {
  readonly writtenAt: number;
}

const KIND = 'Person';
const DAY = 86_400_000;

export function createPeople(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly logins: readonly Login[];
  readonly accounts: AccountBook | undefined;
  /** How long a person is remembered after the last login or refresh, in milliseconds; more than a day. */
  readonly lifetime: number;
}): People {
  const { store, clock, logins, accounts, lifetime } = options;

  async function write({ subject, login, profile }: Person): Promise<void> {
    const now = clock.now();
    await store.put(
      KIND,
      subject,
      { subject, login, profile, writtenAt: now },
      { expiresAt: now + lifetime },
    );
  }

  async function isStillAdmitted({ subject, login, profile }: Person): Promise<boolean> {
    for (const configured of logins) {
      if (configured.kind !== login) continue;
      switch (configured.kind) {
        case 'owner':
          return true;
        case 'accounts':
          return (await accounts?.has(subject)) === true;
        case 'oidc':
        case 'github':
          if (subject === toSubject(configured, profile)) return isAdmitted(configured, profile);
      }
    }
    return false;
  }

  return {
    async remember(person) {
      await write(person);
    },
    async find(subject) {
      const person = (await store.get(KIND, subject)) as RememberedPerson | undefined;
      if (person === undefined || !(await isStillAdmitted(person))) return undefined;
      // Whoever goes on refreshing stays known; once a day is often enough.
      if (person.writtenAt < clock.now() - DAY) await write(person);
      return person;
    },
  };
}

/** One for each user of all providers: the provider by its address, which is unique among the logins, and its own id of the user. */
export function toSubject(login: OidcLogin | GithubLogin, { id }: Profile): string {
  const provider = login.kind === 'github' ? 'github.com' : login.issuer.replace(/^https:\/\//, '');
  return `${provider}|${id}`;
}

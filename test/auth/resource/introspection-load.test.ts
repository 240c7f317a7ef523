import { describe, expect, it } from 'vitest';
import type { Principal } from '../../../src/auth/principal.ts';
import { ok } from '../../../src/lib/result.ts';
import { createVerifierRig, issuer, resource, type VerifierRig } from './verifier-rig.ts';

const seconds = 1_800_000_000;
const url = `${issuer}/introspect`;
const active = { active: true, iss: issuer, aud: resource, sub: 'alice', exp: seconds + 600 };

/** An issuer that answers forty questions a second, and knows all tokens but those that somebody made up. */
function createSlowRig(): VerifierRig {
  const issuers = [{ introspection: { url, clientId: 'gateway', clientSecret: 'secret' } }];
  const rig = createVerifierRig({ issuers, perHost: 4 });
  rig.answers.set(url, ({ form }) =>
    ok(form?.fields['token']?.startsWith('made-up') === true ? { active: false } : active),
  );
  return rig;
}

/** Lets time pass, a tenth of a second at a time. */
async function pass(
  { clock }: VerifierRig,
  length: number,
  onTenth: (tenth: number) => void = () => undefined,
): Promise<void> {
  for (let tenth = 0; tenth < length * 10; tenth++) {
    onTenth(tenth);
    clock.advance(100);
    await new Promise(setImmediate);
  }
}

/** Lets that many come in, each with a token of their own. */
async function openStreams(rig: VerifierRig, count: number): Promise<readonly Principal[]> {
  const coming = Array.from({ length: count }, async (_none, at) => rig.verifier.verify(`token-${at}`));
  await pass(rig, 3);
  const verdicts = await Promise.all(coming);
  return verdicts.map((verdict) => {
    if (verdict.kind !== 'accepted') throw new Error(verdict.kind);
    return verdict.principal;
  });
}

/** What the gateway does each second: those who have ended. */
const look = (rig: VerifierRig, streams: readonly Principal[]): number =>
  streams.filter((principal) => !rig.verifier.isCurrent(principal)).length;

describe('many tokens that are asked about', () => {
  it('all stay for as long as their issuer says so, though it is asked four questions at a time', async () => {
    const rig = createSlowRig();
    const streams = await openStreams(rig, 100);
    let ended = 0;
    await pass(rig, 120, (tenth) => {
      if (tenth % 10 === 0) ended += look(rig, streams);
    });
    expect(ended).toBe(0);
    // Control: each of them is asked about again and again, and all have ended soon after their issuer says so.
    expect(rig.fetched.length).toBeGreaterThan(100 * 25);
    rig.answers.set(url, () => ok({ active: false }));
    await pass(rig, 7, (tenth) => {
      if (tenth % 10 === 0) look(rig, streams);
    });
    expect(look(rig, streams)).toBe(100);
  });

  it('introspection-flood: made-up tokens without end do not end those that count', async () => {
    const rig = createSlowRig();
    const streams = await openStreams(rig, 20);
    let ended = 0;
    let unavailable = 0;
    const count = async (token: string): Promise<void> => {
      if ((await rig.verifier.verify(token)).kind === 'unavailable') unavailable += 1;
    };
    await pass(rig, 120, (tenth) => {
      for (let more = 0; more < 20; more++) void count(`made-up-${tenth}-${more}`);
      if (tenth % 10 === 0) ended += look(rig, streams);
    });
    expect(ended).toBe(0);
    // Control: there are more of them than can be asked about.
    expect(unavailable).toBeGreaterThan(10_000);
  });

  it('introspection-flood: who was here before comes in again, after a while without a call', async () => {
    const rig = createSlowRig();
    await openStreams(rig, 1);
    const flood = (tenth: number): void => {
      for (let more = 0; more < 20; more++) void rig.verifier.verify(`made-up-${tenth}-${more}`);
    };
    await pass(rig, 90, flood);
    flood(900);
    const before = rig.fetched.length;
    const [back, late] = [rig.verifier.verify('token-0'), rig.verifier.verify('token-1')];
    await pass(rig, 4, (tenth) => flood(901 + tenth));
    expect(await back).toMatchObject({ kind: 'accepted' });
    expect(rig.fetched.slice(before).findIndex(({ form }) => form?.fields['token'] === 'token-0')).toBe(0);
    // Control: somebody who is new has no place before the others.
    expect(await late).toEqual({ kind: 'unavailable' });
  });
});

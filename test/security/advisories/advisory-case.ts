import { expect } from 'vitest';
import { readFinalAnswers, type ReceivedAnswer } from '../../support/answers.ts';
import type { GatewayProcess } from '../../support/gateway-process.ts';
import type { Answer, ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { Exchanger, type Outcome } from '../smuggling/exchange.ts';

/** What a case acts on: a gateway before an upstream, both shared by all cases. */
export interface AdvisoryRig {
  readonly gateway: GatewayProcess;
  readonly upstream: ScriptedUpstream;
  /** How the upstream answers from now on; a plain answer again before each case. */
  answer: Answer;
}

/** One way in which a hole of Node or undici could show in the product. */
export interface AdvisoryCase {
  readonly cve: string;
  readonly name: string;
  readonly run: (rig: AdvisoryRig) => Promise<void>;
}

export interface Exchange extends Outcome {
  readonly answers: readonly ReceivedAnswer[];
}

const PATIENCE_MILLISECONDS = 15_000;

/** Sends bytes over a TLS connection of their own; `closed` waits for the gateway to close it. */
export async function exchange(
  rig: AdvisoryRig,
  bytes: string,
  until: number | 'closed' = 1,
): Promise<Exchange> {
  const outcome = await new Exchanger(rig.gateway).run({ bytes, until, patience: PATIENCE_MILLISECONDS });
  return { ...outcome, answers: readFinalAnswers(outcome.received) };
}

/** Sends bytes that must be refused with one of the statuses, on a connection that closes, with nothing forwarded. */
export async function expectRefused(
  rig: AdvisoryRig,
  bytes: string,
  statuses: readonly number[],
): Promise<void> {
  const before = rig.upstream.requests.length;
  const { answers, end } = await exchange(rig, bytes, 'closed');
  expect(end).toBe('closed by the other side');
  expect(answers).toHaveLength(1);
  expect(statuses).toContain(answers[0]?.status);
  expect(rig.upstream.requests).toHaveLength(before);
}

import { isExecutable } from '../../support/gateway-program.ts';
import type { ConformanceCase, Expectation } from './conformance-case.ts';
import type { FloodScenario } from './flood-scenarios.ts';

const tolerated: Expectation = { kind: 'tolerated' };

/** Where the HTTP/2 engine of Bun, in the executable, differs from Node's: what it does, and why that harms nobody. */
const exceptions: Readonly<Record<string, Pick<ConformanceCase, 'expected' | 'exception'>>> = {
  '3.4 a frame before SETTINGS': {
    expected: tolerated,
    exception: 'taken: what the settings would have changed concerns the client alone',
  },
  '5.1 idle: DATA': {
    expected: { kind: 'stream-error', codes: [5] },
    exception: 'resets a stream that never was; its bytes reach nobody',
  },
  '5.1 idle: WINDOW_UPDATE': { expected: tolerated, exception: 'ignored: there is nothing to send on it' },
  '6.3 PRIORITY on stream 0': {
    expected: { kind: 'connection-error', codes: [1] },
    exception: 'none: a connection error, as the section wants, which Node does not make of it',
  },
  '6.9.2 SETTINGS that take an open window over the maximum': {
    expected: tolerated,
    exception: 'taken: more room for answers than there are bytes in them',
  },
};

/** A case as the engine of the program under test keeps it. */
export function toEngineCase(each: ConformanceCase): ConformanceCase {
  return isExecutable ? { ...each, ...exceptions[each.name] } : each;
}

/** Floods that Bun's engine neither stores nor answers, so that the session may live on until its time-out. */
const boundedFloods = new Set(['continuation flood (CVE-2024-27983)', 'priority flood (CVE-2019-9513)']);

/** A scenario with the end that the engine of the program under test makes of it. */
export function toEngineScenario(scenario: FloodScenario): FloodScenario {
  return isExecutable && boundedFloods.has(scenario.name) ? { ...scenario, endedBy: 'bounds' } : scenario;
}

/** How a request ends whose credential stands in a field that is none: nghttp2 leaves such a field out, Bun's engine refuses the request. */
export const malformedFieldStatus: 400 | 401 = isExecutable ? 400 : 401;

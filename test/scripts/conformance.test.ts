import { describe, expect, test } from 'vitest';
import { buildRows, isBroken, type Legs } from '../../scripts/conformance/comparison.ts';
import { countProtocols, findProtocolDoubt } from '../../scripts/conformance/protocol-proof.ts';
import type { Check } from '../../scripts/conformance/suite-run.ts';
import { formatSummary, formatTable } from '../../scripts/conformance/table.ts';

const requirement = { scenario: 'ping', isScored: true };

function check(status: Check['status'], id = 'ping'): Check {
  return { id, name: 'Ping', status };
}

function toLegs(direct: readonly Check[], h1: readonly Check[] | undefined): Legs {
  return new Map([
    ['direct', new Map([['ping', direct]])],
    ['h1', h1 === undefined ? new Map() : new Map([['ping', h1]])],
  ]);
}

function findDifferences(direct: readonly Check[], h1: readonly Check[] | undefined): readonly string[] {
  return buildRows([requirement], toLegs(direct, h1)).flatMap((row) =>
    row.differences.map((found) => `${found.check}: ${found.direct} > ${found.through}`),
  );
}

describe('comparison of conformance results', () => {
  test('equal results have no difference, whatever their messages say', () => {
    const failed = { ...check('FAILURE'), errorMessage: 'took 3 ms' };
    expect(findDifferences([failed], [{ ...failed, errorMessage: 'took 4 ms' }])).toEqual([]);
  });

  test('a check that fails only through the gateway is a difference', () => {
    expect(findDifferences([check('SUCCESS')], [check('FAILURE')])).toEqual([
      'ping (Ping): SUCCESS > FAILURE',
    ]);
  });

  test('a check that passes only through the gateway is a difference too', () => {
    expect(findDifferences([check('FAILURE')], [check('SUCCESS')])).toHaveLength(1);
  });

  test('a missing check, an additional check and a missing scenario are differences', () => {
    const both = [check('SUCCESS'), check('SUCCESS', 'wire-schema-valid')];
    expect(findDifferences(both, [check('SUCCESS')])).toEqual(['wire-schema-valid (Ping): SUCCESS > absent']);
    expect(findDifferences([check('SUCCESS')], both)).toHaveLength(1);
    expect(findDifferences(both, undefined)).toHaveLength(2);
  });

  test('checks that share an id are told apart by their place', () => {
    expect(
      findDifferences([check('SUCCESS'), check('SUCCESS')], [check('SUCCESS'), check('FAILURE')]),
    ).toEqual(['ping (Ping) #2: SUCCESS > FAILURE']);
  });

  test('a direct failure breaks a scored scenario only; a scenario that did not run is always broken', () => {
    const [scored] = buildRows([requirement], toLegs([check('FAILURE')], undefined));
    const [unscored] = buildRows(
      [{ ...requirement, isScored: false }],
      toLegs([check('FAILURE')], undefined),
    );
    const [unrun] = buildRows([{ scenario: 'other', isScored: false }], toLegs([], undefined));
    expect([scored, unscored, unrun].map((row) => row !== undefined && isBroken(row))).toEqual([
      true,
      false,
      true,
    ]);
  });

  test('the table shows the difference and the summary counts it', () => {
    const rows = buildRows([requirement], toLegs([check('SUCCESS')], [check('FAILURE')]));
    expect(formatTable(rows, ['direct', 'h1']).split('\n')).toEqual([
      'scenario | direct   | h1',
      '---------|----------|---------------------------',
      'ping     | 1 passed | 0 passed, 1 failed DIFFERS',
      'DIFFERS ping h1: ping (Ping): SUCCESS directly, FAILURE through the gateway',
    ]);
    expect(formatSummary('2025-11-25', rows, ['direct', 'h1'])).toBe(
      '2025-11-25: 1 scenarios (0 not scored), 0 broken directly, 1 with a difference',
    );
  });
});

describe('proof of the HTTP version', () => {
  test('access log lines are counted by protocol, other lines are not', () => {
    const log = ['{"protocol":"h2"}', 'listening', '{"protocol":"h1"}', '{"level":30}', '{broken'].join('\n');
    expect(countProtocols(log)).toEqual({ h1: 1, h2: 1 });
  });

  test('an h2 leg that fell back to HTTP/1.1 is doubted', () => {
    expect(findProtocolDoubt('h2', { h1: 0, h2: 9 }, 0)).toBeUndefined();
    expect(findProtocolDoubt('h2', { h1: 2, h2: 7 }, 2)).toBeUndefined();
    expect(findProtocolDoubt('h2', { h1: 9, h2: 0 }, 0)).toContain('9 requests over HTTP/1.1');
    expect(findProtocolDoubt('h2', { h1: 0, h2: 0 }, 0)).toBeDefined();
  });

  test('an h1 leg that used HTTP/2 or left no log is doubted', () => {
    expect(findProtocolDoubt('h1', { h1: 9, h2: 0 }, 3)).toBeUndefined();
    expect(findProtocolDoubt('h1', { h1: 8, h2: 1 }, 3)).toBeDefined();
    expect(findProtocolDoubt('h1', { h1: 0, h2: 0 }, 0)).toBeDefined();
  });
});

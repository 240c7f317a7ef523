import { describe, expect, it } from 'vitest';
import { allChecks } from '../../src/doctor/all-checks.ts';
import { layers } from '../../src/doctor/check.ts';
import { judge } from '../../src/doctor/judge.ts';
import { requirements } from '../../src/render/requirements.ts';
import { answered, buildFacts } from './facts-builder.ts';
import { faults } from './faults.ts';

/** What a healthy endpoint gives no occasion to judge. */
const withoutOccasion = ['proxy-everything-exposed', 'limits-no-retry-after', 'limits-rate-page'];

describe('the table of checks', () => {
  it('has at least sixty, each with an id of its own that begins with its layer', () => {
    expect(allChecks.length).toBeGreaterThan(60);
    expect(new Set(allChecks.map(({ id }) => id)).size).toBe(allChecks.length);
    for (const { id, layer } of allChecks) {
      // A layer of the table may hold what is named after where it shows.
      expect(
        layers.some((each) => id.startsWith(`${each}-`)),
        `${layer} ${id}`,
      ).toBe(true);
    }
  });

  it('says in every row what is right, what breaks, what to do and where it is written', () => {
    for (const { id, title, why, advice, reference, requirement, cap, severity } of allChecks) {
      for (const text of [title, why, advice]) {
        expect(text, id).toMatch(/^\S[\s\S]{10,}[^.\s]$/);
        expect(text, id).not.toContain('\n');
      }
      expect(reference.length, id).toBeGreaterThan(5);
      if (requirement !== undefined) expect(Object.keys(requirements), id).toContain(requirement);
      if (cap !== undefined) expect(severity, id).toBe('error');
    }
  });

  it('has a fault for each row', () => {
    expect(Object.keys(faults).toSorted()).toEqual(allChecks.map(({ id }) => id).toSorted());
  });
});

describe('a healthy endpoint', () => {
  const report = judge(buildFacts());

  it('passes every check, and gets A+', () => {
    expect(report.results.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(report.results.filter(({ status }) => status !== 'pass').map(({ id }) => id)).toEqual(
      withoutOccasion,
    );
    expect(report).toMatchObject({ grade: 'A+', caps: [] });
  });
});

describe.each(Object.entries(faults))('%s', (id, changes) => {
  const report = judge(buildFacts(changes));
  const found = report.results.find((result) => result.id === id);

  it('is found, with what was seen and what to do', () => {
    expect(found?.status).toBe('fail');
    expect(found?.seen).toMatch(/\S/);
    expect(found?.fix?.advice).toMatch(/\S/);
    expect(report.grade).not.toBe('A+');
  });

  it('is not judged where nothing is known', () => {
    const nothing = { done: false, because: 'nobody asked' } as const;
    const ignorant = judge(
      buildFacts({ facts: { dns: nothing, tcp: nothing, tls: nothing, http: nothing, oauth: nothing } }),
    );
    const status = ignorant.results.find((result) => result.id === id)?.status;
    // Whether the address itself is HTTPS is known without asking.
    expect(status).toBe(id === 'http-not-secure' ? 'pass' : 'skip');
  });
});

describe('verdicts that depend on more than one fact', () => {
  const statusOf = (id: string, ...changes: Parameters<typeof buildFacts>): string | undefined => {
    const found = judge(buildFacts(...changes)).results.find((result) => result.id === id);
    return found?.status === 'fail' ? found.severity : found?.status;
  };

  it('an open endpoint on this machine is a remark, and on the internet an F', () => {
    const open = { 'initialize-anonymous': answered({ rpc: { kind: 'result', id: 1 } as const }) };
    const { target } = buildFacts();
    expect(
      statusOf('oauth-none', { exchanges: open, facts: { target: { ...target, loopback: true } } }),
    ).toBe('info');
    expect(judge(buildFacts({ exchanges: open })).grade).toBe('F');
  });

  it('what was not answered cannot be told, and is no pass', () => {
    const failed = { outcome: 'failed', failure: 'timeout', code: 'ETIMEDOUT', took: 3000 } as const;
    const exchange = {
      method: 'POST',
      url: 'https://mcp.example.com/mcp',
      sent: {},
      sentBytes: 0,
      ...failed,
    };
    expect(statusOf('mcp-foreign-origin', { exchanges: { 'initialize-foreign-origin': exchange } })).toBe(
      'unknown',
    );
    expect(statusOf('oauth-made-up-token', { exchanges: { 'initialize-made-up': exchange } })).toBe(
      'unknown',
    );
    // Nor does it leave the best grade.
    const report = judge(buildFacts({ exchanges: { 'initialize-made-up': exchange } }));
    expect(report).toMatchObject({ grade: 'A', caps: ['A: 1 could not be told'] });
  });

  it('a broken layer says why those above were not tested', () => {
    const { results } = judge(buildFacts(faults['tls-none']));
    const nothing = { done: false, because: 'no TLS could be agreed on' } as const;
    const stopped = judge(buildFacts({ ...faults['tls-none'], facts: { http: nothing, oauth: nothing } }));
    expect(results.find(({ id }) => id === 'tls-none')?.status).toBe('fail');
    expect(stopped.results.find(({ id }) => id === 'mcp-not-mcp')).toMatchObject({
      status: 'skip',
      seen: 'not tested because of tls-none',
    });
  });

  it.each([
    [
      'a certificate for a week that has three days',
      '2026-11-23T00:00:00.000Z',
      '2026-11-30T00:00:00.000Z',
      'pass',
    ],
    [
      'a certificate for ninety days that has two',
      '2026-08-30T00:00:00.000Z',
      '2026-11-28T00:00:00.000Z',
      'error',
    ],
    [
      'a certificate for ninety days that has ten',
      '2026-09-07T00:00:00.000Z',
      '2026-12-06T00:00:00.000Z',
      'warning',
    ],
  ])('%s', (_name, notBefore, notAfter, expected) => {
    const tls = buildFacts().tls;
    const chain = tls.done ? tls.facts.chain.map((each) => ({ ...each, notBefore, notAfter })) : [];
    expect(statusOf('tls-expiring', { tls: { chain } })).toBe(expected);
  });

  it('a refused login page is told from a redirect of the endpoint', () => {
    const to = (location: string): Parameters<typeof buildFacts>[0] => ({
      exchanges: { 'initialize-anonymous': answered({ status: 302, fields: { location } }) },
    });
    expect(statusOf('oauth-challenge-status', to('https://id.example.com/login'))).toBe('error');
    expect(statusOf('oauth-challenge-status', to('https://mcp.example.com/mcp/'))).toBe('skip');
  });
});

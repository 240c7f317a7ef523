import { describe, expect, it } from 'vitest';
import { toBackoff, type BackoffInput } from '../../../src/tls/automation/backoff.ts';
import { addEntry, issuanceLimits, toFreeMoment } from '../../../src/tls/automation/issuance-ledger.ts';
import { emptyRecord, parseRenewalRecord, toRecordText } from '../../../src/tls/automation/renewal-record.ts';
import {
  isEarly,
  selectMoment,
  toEmergency,
  toRenewalTime,
  toSilence,
} from '../../../src/tls/automation/renewal-schedule.ts';
import { day, hour, minute, start } from './rig.ts';

const lasting = (lifetime: number): { notBefore: number; notAfter: number } => ({
  notBefore: start,
  notAfter: start + lifetime,
});
const window = (selectedAt: number): Parameters<typeof toRenewalTime>[0]['window'] => ({
  serialNumber: '01',
  windowStart: selectedAt - hour,
  windowEnd: selectedAt + hour,
  selectedAt,
});

describe('the time of renewal', () => {
  it.each([
    ['90 days', 90 * day, 60 * day],
    ['64 days', 64 * day, (64 * day * 2) / 3],
    ['45 days', 45 * day, 30 * day],
    ['160 hours', 160 * hour, 80 * hour],
  ])('of a certificate of %s without a wish', (_what, lifetime, expected) => {
    const validity = lasting(lifetime);
    expect(toRenewalTime({ validity, window: undefined, earlyRenewals: 0 })).toBe(start + expected);
  });

  it.each([
    ['within its life', 0, 50 * day, 50 * day],
    ['in the past', 0, -day, 0],
    ['in the past, again', 1, -day, day],
    ['in the past, a third time', 2, -day, 2 * day],
    ['in the past, for ever', 30, -day, 60 * day],
    ['too late', 0, 89 * day, 85.5 * day],
    ['after its end', 0, 400 * day, 85.5 * day],
  ])('of a certificate whose authority wishes a moment %s', (_what, earlyRenewals, selected, expected) => {
    const time = toRenewalTime({
      validity: lasting(90 * day),
      window: window(start + selected),
      earlyRenewals,
    });
    // In the past means at once, whenever that was.
    expect(Math.max(time, start)).toBe(start + expected);
  });

  it('is early before half of the usual time', () => {
    expect(isEarly(lasting(90 * day), start + 29 * day)).toBe(true);
    expect(isEarly(lasting(90 * day), start + 31 * day)).toBe(false);
  });
});

describe('a window', () => {
  const select = (windowStart: number, windowEnd: number, random = 0.5): unknown =>
    selectMoment({
      info: { windowStart, windowEnd, explanationUrl: undefined, retryAfter: hour },
      validity: lasting(90 * day),
      serialNumber: '01',
      previous: undefined,
      random: () => random,
    });

  it('yields a moment anywhere within it', () => {
    expect(select(start, start + day, 0)).toMatchObject({ selectedAt: start });
    expect(select(start, start + day, 0.75)).toMatchObject({ selectedAt: start + 0.75 * day });
  });

  it.each([
    ['no length', start, start],
    ['an end before its start', start + day, start],
    ['a start after the end of the certificate', start + 90 * day, start + 91 * day],
    ['no date', Number.NaN, start],
  ])('with %s means nothing', (_what, from, to) => {
    expect(select(from, to)).toBeUndefined();
  });

  it.each([
    [undefined, hour],
    [-5, 10 * minute],
    [0, 10 * minute],
    [6 * hour, 6 * hour],
    [365 * day, 12 * hour],
    [Number.POSITIVE_INFINITY, 12 * hour],
    [Number.NaN, hour],
  ])('is asked for again after Retry-After of %s within bounds', (retryAfter, expected) => {
    expect(toSilence(retryAfter)).toBe(expected);
  });
});

describe('back-off', () => {
  const wait = (input: Partial<BackoffInput>): number =>
    toBackoff({
      failures: 1,
      code: 'E_ACME_STUCK',
      retryAfter: undefined,
      validity: lasting(90 * day),
      now: start,
      random: () => 0,
      ...input,
    });

  it.each([
    [1, minute],
    [2, 10 * minute],
    [3, 100 * minute],
    [4, day],
    [500, day],
  ])('after %i failures', (failures, expected) => {
    expect(wait({ failures })).toBe(expected);
    expect(wait({ failures, random: () => 0.999 })).toBeLessThan(expected * 1.1);
  });

  it('is an hour at most when the authority did not answer, or there is no certificate', () => {
    expect(wait({ failures: 9, code: 'E_ACME_UNREACHABLE' })).toBe(hour);
    expect(wait({ failures: 9, validity: undefined })).toBe(hour);
    expect(wait({ failures: 9, now: start + 91 * day })).toBe(hour);
    expect(wait({ failures: 101, validity: undefined })).toBe(day);
  });

  it('is a tenth of the life left at most, and a quarter of an hour at least', () => {
    expect(wait({ failures: 9, now: start + 85 * day })).toBe(day / 2);
    expect(wait({ failures: 9, now: start + 90 * day - hour })).toBe(15 * minute);
  });

  it('is what the authority asks for, but not past a day or the last twentieth', () => {
    expect(wait({ retryAfter: 5 * hour })).toBe(5 * hour);
    expect(wait({ retryAfter: 3650 * day })).toBe(day);
    expect(wait({ retryAfter: 3650 * day, validity: undefined })).toBe(day);
    const emergency = toEmergency(lasting(90 * day));
    expect(wait({ retryAfter: 3650 * day, now: emergency - 11 * hour })).toBe(11.9 * hour);
    expect(wait({ retryAfter: -5 })).toBe(minute);
    expect(wait({ retryAfter: Number.NaN })).toBe(minute);
  });
});

describe('the ledger of one name', () => {
  const free = (entries: Parameters<typeof toFreeMoment>[0]['entries'], exempt = false): number =>
    toFreeMoment({ entries, issuer: 'one', now: start, exempt, limits: issuanceLimits }) - start;
  const many = (
    count: number,
    outcome: 'failed' | 'issued',
    at = start - 10 * minute,
  ): { issuer: string; at: number; outcome: typeof outcome }[] =>
    Array.from({ length: count }, (_, index) => ({ issuer: 'one', at: at + index, outcome }));

  it('has room below its limits, and says when it has again', () => {
    expect(free([])).toBe(0);
    expect(free(many(3, 'failed'))).toBe(0);
    expect(free(many(4, 'failed'))).toBe(50 * minute);
    expect(free(many(3, 'issued'))).toBe(0);
    expect(free(many(4, 'issued'))).toBe(7 * day - 10 * minute);
    expect(free(many(4, 'issued'), true)).toBe(0);
  });

  it('counts each authority for itself, and nothing that is long ago or lies in the future', () => {
    expect(free(many(9, 'failed').map((entry) => ({ ...entry, issuer: 'two' })))).toBe(0);
    expect(free(many(9, 'failed', start - 2 * hour))).toBe(0);
    expect(free(many(9, 'issued', start + 3650 * day))).toBe(0);
    expect(free(many(4, 'failed', start + minute))).toBe(hour);
  });

  it('forgets what nobody counts', () => {
    const old = many(3, 'issued', start - 8 * day);
    const recent = many(2, 'failed');
    expect(addEntry([...old, ...recent], { issuer: 'one', at: start, outcome: 'failed' })).toHaveLength(3);
  });
});

describe('the record', () => {
  it('is read as it was written', () => {
    const record = {
      ...emptyRecord,
      issuer: 'one',
      failures: 2,
      lastFailure: { code: 'E_ACME_STUCK' as const, message: 'x', at: start },
      window: { serialNumber: '01', windowStart: 1, windowEnd: 3, selectedAt: 2 },
    };
    expect(parseRenewalRecord(toRecordText(record))).toEqual({ ok: true, value: record });
  });

  it.each(['', '{', '[]', '{"failures":-1}', '{"failures":1,"earlyRenewals":0,"waits":{},"attempts":[1]}'])(
    'is refused when it is damaged: %s',
    (text) => {
      expect(parseRenewalRecord(text).ok).toBe(false);
    },
  );
});

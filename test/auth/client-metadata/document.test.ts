import { beforeEach, describe, expect, it } from 'vitest';
import {
  createClientMetadataLoader,
  describeClientMetadataFailure,
  type ClientMetadataOptions,
  type LoadClientMetadata,
} from '../../../src/auth/client-metadata/document.ts';
import type { FetchFailure } from '../../../src/auth/fetch/fetch-failure.ts';
import {
  createSafeFetch,
  type FetchedDocument,
  type SafeRequest,
} from '../../../src/auth/fetch/safe-fetch.ts';
import { publicTargets } from '../../../src/auth/fetch/target-policy.ts';
import { fail, ok, type Result } from '../../../src/lib/result.ts';
import { createTestCertificate } from '../../support/certificates.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { sendJson, startDocumentServer } from '../fetch/document-server.ts';

const clientId = 'https://client.example.com/client.json';
const minute = 60_000;
const hour = 3_600_000;

function toDocument(id: string, name = 'Example'): Record<string, unknown> {
  return { client_id: id, client_name: name, redirect_uris: ['http://localhost/callback'] };
}

/** What the other side says, and what it was asked. */
let answer: (url: string) => Promise<Result<FetchedDocument, FetchFailure>>;
let asked: SafeRequest[];
let clock: ManualClock;
beforeEach(() => {
  asked = [];
  clock = new ManualClock();
  answer = async (url) => ok({ json: toDocument(url), freshFor: undefined });
});

function createLoader(options: Partial<ClientMetadataOptions> = {}): LoadClientMetadata {
  return createClientMetadataLoader({
    clock,
    hosts: [],
    redirects: [],
    async fetchJson(request) {
      asked.push(request);
      return answer(request.url);
    },
    ...options,
  });
}

const failWith = (failure: FetchFailure) => async (): Promise<Result<FetchedDocument, FetchFailure>> =>
  fail(failure);
const notFound = { kind: 'status', status: 404 } as const;

describe('documents of clients', () => {
  it('are fetched from public addresses alone, once for all who ask at the same time', async () => {
    const load = createLoader();
    const outcomes = await Promise.all([load(clientId), load(clientId), load(clientId)]);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ ok: true, value: { clientId, clientName: 'Example' } });
    expect(asked).toEqual([{ url: clientId, targets: publicTargets, ca: undefined }]);
  });

  it.each([
    ['nothing said', undefined, 5 * minute],
    ['not to be kept', 0, 5 * minute],
    ['ten minutes', 10 * minute, 10 * minute],
    ['a year', 8760 * hour, 24 * hour],
  ])(
    'are fresh as long as their headers say, within 5 minutes and 24 hours: %s',
    async (_name, freshFor, kept) => {
      answer = async (url) => ok({ json: toDocument(url), freshFor });
      const load = createLoader();
      await load(clientId);
      clock.advance(kept - 1);
      await load(clientId);
      expect(asked).toHaveLength(1);
      clock.advance(1);
      answer = async (url) => ok({ json: toDocument(url, 'Renamed'), freshFor });
      expect(await load(clientId)).toMatchObject({ value: { clientName: 'Renamed' } });
      expect(asked).toHaveLength(2);
    },
  );

  it.each<FetchFailure>([
    { kind: 'deadline' },
    { kind: 'unreachable' },
    { kind: 'unresolved' },
    { kind: 'broken' },
    { kind: 'busy' },
    { kind: 'status', status: 503 },
  ])('outage ($kind): count on for 24 hours while they cannot be fetched again', async (failure) => {
    const load = createLoader();
    await load(clientId);
    answer = failWith(failure);
    clock.advance(5 * minute + 24 * hour - 1);
    expect(await load(clientId)).toMatchObject({ ok: true, value: { clientId } });
    expect(await load(clientId), 'while the failure is held').toMatchObject({ ok: true });
    clock.advance(1);
    expect(await load(clientId)).toEqual({ ok: false, error: { reason: 'fetch', failure } });
  });

  it.each<FetchFailure>([
    notFound,
    { kind: 'status', status: 410 },
    { kind: 'redirect' },
    { kind: 'address' },
    { kind: 'certificate' },
    { kind: 'json' },
  ])('withdrawn-client ($kind): what the host no longer says counts no more', async (failure) => {
    const load = createLoader();
    await load(clientId);
    answer = failWith(failure);
    clock.advance(5 * minute);
    expect(await load(clientId)).toEqual({ ok: false, error: { reason: 'fetch', failure } });
    answer = failWith({ kind: 'deadline' });
    clock.advance(minute);
    expect(await load(clientId)).toMatchObject({ ok: false });
  });

  it('hijacked-document: one that no longer fits its URL ends the old one', async () => {
    const load = createLoader();
    await load(clientId);
    answer = async () => ok({ json: toDocument('https://other.example.com/c'), freshFor: undefined });
    clock.advance(5 * minute);
    const failure = { reason: 'document', refusal: 'the client_id in the document is not its URL' };
    expect(await load(clientId)).toEqual({ ok: false, error: failure });
  });

  it('fetch-amplification: a failure is held for 30 seconds, and then the host is asked again', async () => {
    answer = failWith(notFound);
    const load = createLoader();
    for (let count = 0; count < 100; count += 1) {
      expect(await load(clientId)).toEqual({ ok: false, error: { reason: 'fetch', failure: notFound } });
    }
    expect(asked).toHaveLength(1);
    clock.advance(30_000);
    answer = async (url) => ok({ json: toDocument(url), freshFor: undefined });
    expect(await load(clientId)).toMatchObject({ ok: true });
    expect(asked).toHaveLength(2);
  });

  it('busy is not held against a client: the next who asks tries again', async () => {
    answer = failWith({ kind: 'busy' });
    const load = createLoader();
    expect(await load(clientId)).toMatchObject({ ok: false });
    answer = async (url) => ok({ json: toDocument(url), freshFor: undefined });
    expect(await load(clientId)).toMatchObject({ ok: true });
  });

  it('cache-eviction: no number of bad URLs pushes out a good document, and good ones are bounded', async () => {
    const load = createLoader({ capacity: 3 });
    await load(clientId);
    answer = failWith(notFound);
    for (let index = 0; index < 50; index += 1) await load(`https://evil.example.com/${index}`);
    asked = [];
    expect(await load(clientId)).toMatchObject({ ok: true });
    expect(asked).toHaveLength(0);
    answer = async (url) => ok({ json: toDocument(url), freshFor: undefined });
    for (let index = 0; index < 3; index += 1) await load(`https://good.example.com/${index}`);
    await load(clientId);
    expect(asked, 'control: the oldest had to go').toHaveLength(4);
  });

  it('ssrf: what is no client_id URL, or on a host that is not listed, is never fetched', async () => {
    const load = createLoader({ hosts: ['client.example.com'] });
    for (const text of [
      'http://client.example.com/c',
      'https://127.0.0.1/c',
      'file:///etc/passwd',
      `${clientId}#x`,
      'x',
    ]) {
      expect(await load(text), text).toEqual({ ok: false, error: { reason: 'client-id' } });
    }
    for (const text of [
      'https://client.example.com.evil.example.com/c',
      'https://sub.client.example.com/c',
    ]) {
      expect(await load(text), text).toEqual({ ok: false, error: { reason: 'host' } });
    }
    expect(asked).toEqual([]);
    expect(await load(clientId)).toMatchObject({ ok: true });
  });

  it('name a private app only where it is allowed', async () => {
    answer = async (url) =>
      ok({ json: { ...toDocument(url), redirect_uris: ['app://cb'] }, freshFor: undefined });
    expect(await createLoader()(clientId)).toMatchObject({ ok: false, error: { reason: 'document' } });
    expect(await createLoader({ redirects: ['app://cb'] })(clientId)).toMatchObject({ ok: true });
  });

  it('error-echo: failures are told in fixed words', () => {
    const texts = [
      describeClientMetadataFailure({ reason: 'client-id' }),
      describeClientMetadataFailure({ reason: 'host' }),
      describeClientMetadataFailure({ reason: 'fetch', failure: notFound }),
      describeClientMetadataFailure({ reason: 'fetch', failure: { kind: 'deadline' } }),
      describeClientMetadataFailure({ reason: 'document', refusal: 'the document holds a secret' }),
    ];
    expect(texts).toEqual([
      'the client_id is not the https URL of a metadata document',
      'metadata documents are not taken from this host',
      'the metadata document cannot be fetched: the answer has status 404 instead of 200',
      'the metadata document cannot be fetched: the answer did not come in time',
      'the document holds a secret',
    ]);
  });
});

describe('a document over a real connection', () => {
  it('is fetched, judged and kept; within the network it is not', async () => {
    const certificate = await createTestCertificate({ names: ['client.example.com'] });
    let id = '';
    const server = await startDocumentServer({
      certificate,
      answer: (response) => sendJson(response, toDocument(id)),
    });
    try {
      id = `https://client.example.com:${server.port}/client.json`;
      const fetchJson = createSafeFetch({ clock, version: '0', resolve: async () => ['127.0.0.1'] });
      const ca = certificate.cert;
      const guarded = createLoader({ fetchJson, ca, targets: { ...publicTargets, port: server.port } });
      expect(await guarded(id)).toEqual({
        ok: false,
        error: { reason: 'fetch', failure: { kind: 'address' } },
      });
      expect(server.connections).toBe(0);
      // The control: the same without the judgement of addresses.
      const targets = { ...publicTargets, port: server.port, isAllowed: () => true };
      const open = createLoader({ fetchJson, ca, targets });
      expect(await open(id)).toMatchObject({ ok: true, value: { clientId: id } });
      expect(await open(id)).toMatchObject({ ok: true });
      expect(server.seen).toHaveLength(1);
    } finally {
      await server.close();
    }
  });
});

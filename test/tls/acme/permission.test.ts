import { describe, expect, it } from 'vitest';
import type { AcmeHttp } from '../../../src/tls/acme/acme-http.ts';
import { createPermission } from '../../../src/tls/acme/permission.ts';

function createService(status: number): { http: AcmeHttp; urls: string[] } {
  const urls: string[] = [];
  const http: AcmeHttp = {
    send({ url }) {
      urls.push(url);
      return Promise.resolve({ status, headers: {}, body: '' });
    },
    close: () => undefined,
  };
  return { http, urls };
}

const { signal } = new AbortController();

describe('permission for a certificate on demand', () => {
  it.each([
    [200, true],
    [204, false],
    [302, false],
    [403, false],
    [404, false],
    [500, false],
  ])('status %i means %s', async (status, allowed) => {
    const { http } = createService(status);
    expect(await createPermission('https://id.example.com/ask', http)('a.example.com', signal)).toBe(allowed);
  });

  it('parameter injection: a name is one parameter, whatever is in it', async () => {
    const { http, urls } = createService(200);
    await createPermission('https://id.example.com/ask?key=1', http)('a&key=2#x', signal);
    expect(urls).toEqual(['https://id.example.com/ask?key=1&domain=a%26key%3D2%23x']);
  });
});

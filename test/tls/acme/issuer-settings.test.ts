import { expect, it } from 'vitest';
import { toIssuerId, toIssuerTitle } from '../../../src/tls/acme/issuer-settings.ts';

it.each([
  ['https://acme-v02.api.letsencrypt.org/directory', 'acme-v02.api.letsencrypt.org-directory'],
  ['https://localhost:14000/dir', 'localhost-14000-dir'],
  ['https://[::1]:14000/dir?x=../..', '1-14000-dir-x'],
  ['https://ca.example.com/acme/../../etc/passwd', 'ca.example.com-etc-passwd'],
  ['https://ca.example.com/', 'ca.example.com'],
])('names the directory %s %s', (directory, id) => {
  expect(toIssuerId(directory)).toBe(id);
});

it('makes names that stay inside their folder (path traversal)', () => {
  for (const path of ['%2e%2e%2f', '..%5c..', '\u0000', 'a'.repeat(5000)]) {
    expect(toIssuerId(`https://ca.example.com/${path}`)).toMatch(/^[a-z0-9][a-z0-9._-]{0,119}$/);
  }
});

it('falls back on the host for people', () => {
  const settings = {
    directory: 'https://ca.example.com/directory',
    email: undefined,
    termsAccepted: true,
    profile: undefined,
    preferredChain: undefined,
    ca: undefined,
    eab: undefined,
  };
  expect(toIssuerTitle(settings)).toBe('ca.example.com');
  expect(toIssuerTitle({ ...settings, title: 'Example CA' })).toBe('Example CA');
});

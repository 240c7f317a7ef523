import { expect, it } from 'vitest';
import { buildCertificateVerifier } from '../../src/auth/client-certificate.ts';

const verify = buildCertificateVerifier([
  { name: 'ci', subject: 'CN=ci, O=Example' },
  { name: 'robot', subject: 'URI:spiffe://example.com/robot' },
  { name: 'mail', subject: 'email:a@example.com' },
  { name: 'second', subject: 'CN=ci, O=Example' },
  { name: 'nobody', subject: '' },
]);

it.each([
  ['the whole subject', 'CN=ci, O=Example', [], 'ci'],
  ['a name', 'CN=other', ['DNS:x.test', 'URI:spiffe://example.com/robot'], 'robot'],
  ['the subject before a name', 'CN=ci, O=Example', ['email:a@example.com'], 'ci'],
  ['no subject and a name', '', ['email:a@example.com'], 'mail'],
  ['a part of the subject', 'CN=ci', [], undefined],
  ['more than the subject', 'CN=ci, O=Example, C=AU', [], undefined],
  ['another order', 'O=Example, CN=ci', [], undefined],
  ['another case', 'cn=CI, o=example', [], undefined],
  ['a name of another kind', 'CN=x', ['DNS:spiffe://example.com/robot'], undefined],
  ['the beginning of a name', 'CN=x', ['URI:spiffe://example.com/robot/x'], undefined],
  ['no subject, empty-subject', '', [], undefined],
  ['a name that every object has', '__proto__', ['constructor'], undefined],
])('%s', (_what, subject, names, principal) => {
  expect(verify({ subject, names })?.name).toBe(principal);
});

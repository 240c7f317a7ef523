import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { flattenedVerify } from 'jose';
import { expect, it } from 'vitest';
import { buildExternalBinding } from '../../../src/tls/acme/external-binding.ts';
import { toAccountKey } from '../../../src/tls/acme/signed-requests.ts';

const macKey = randomBytes(32);
const { jwk } = toAccountKey(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
const newAccount = 'https://ca.example.com/new-account';

function build(key: Buffer): ReturnType<typeof buildExternalBinding> {
  return buildExternalBinding({
    eab: { kid: 'kid-1', hmacKey: key.toString('base64url') },
    newAccount,
    jwk,
  });
}

it('signs the account key with the key of the authority (RFC 8555 section 7.3.4)', async () => {
  const { payload, protectedHeader } = await flattenedVerify(await build(macKey), macKey);
  expect(protectedHeader).toEqual({ alg: 'HS256', kid: 'kid-1', url: newAccount });
  expect(JSON.parse(Buffer.from(payload).toString())).toEqual(jwk);
});

it('control: a binding with another key does not verify', async () => {
  await expect(flattenedVerify(await build(randomBytes(32)), macKey)).rejects.toThrow('verification failed');
});

it('says that a key is none', async () => {
  await expect(build(Buffer.alloc(0))).rejects.toMatchObject({ code: 'E_ACME_ACCOUNT' });
});

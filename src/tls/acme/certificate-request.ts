// oxlint-disable-next-line import/no-unassigned-import -- gives `Reflect` what the X.509 library asks for when it loads
import '@abraham/reflection';
import { webcrypto, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509';

// Imported with `import()`, as `x509-builder.ts` is and for its reason.

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/**
 * A request (PKCS #10, DER) for DNS names and addresses. All of them are alternative names; the subject stays empty, since the
 * common name is no longer looked at and profiles without it refuse it.
 */
export async function buildCertificateRequest(options: {
  readonly names: readonly string[];
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}): Promise<Buffer> {
  const names = options.names.map((value) => ({
    type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
    value,
  }));
  const request = await Pkcs10CertificateRequestGenerator.create(
    {
      keys: {
        publicKey: options.publicKey.toCryptoKey(algorithm, true, ['verify']),
        privateKey: options.privateKey.toCryptoKey(algorithm, false, ['sign']),
      },
      signingAlgorithm: algorithm,
      extensions: [new SubjectAlternativeNameExtension(names)],
    },
    webcrypto,
  );
  return Buffer.from(request.rawData);
}

import { z } from 'zod';
import { acmeSchema, type AcmeSetting } from './acme.ts';
import { switchField } from './field.ts';
import { fileNameSchema, variableNameSchema } from './file-name.ts';

/** A certificate as it is written: nothing says yet that its parts fit together. */
export interface CertificateSetting {
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly passphrase_file: string | undefined;
  /** Name of an environment variable. */
  readonly passphrase_env: string | undefined;
}

export interface TlsSetting extends CertificateSetting {
  readonly certificates: readonly CertificateSetting[];
  /** `undefined` when the file says nothing of ACME. */
  readonly acme: AcmeSetting | undefined;
  readonly policy: 'intermediate' | 'modern';
  readonly clients: ClientsSetting | undefined;
}

export interface ClientsSetting {
  readonly ca: string;
  readonly crl: string | undefined;
  readonly required: boolean;
}

const certificateFields = {
  cert: fileNameSchema.describe('PEM file with a certificate and its chain.'),
  key: fileNameSchema.describe('PEM file with the private key of the certificate.'),
  passphrase_file: fileNameSchema
    .optional()
    .describe('File whose first line opens the encrypted private key.'),
  passphrase_env: variableNameSchema
    .optional()
    .describe('Environment variable whose value opens the encrypted private key.'),
};

const certificateSchema = z
  .strictObject(certificateFields)
  .transform(({ cert, key, passphrase_file, passphrase_env }): CertificateSetting => ({
    cert,
    key,
    passphrase_file,
    passphrase_env,
  }));

const clientsSchema: z.ZodType<ClientsSetting> = z
  .strictObject({
    ca: fileNameSchema.describe('PEM file with the authorities whose client certificates are admitted.'),
    crl: fileNameSchema
      .optional()
      .describe('PEM file with the revocation lists of these authorities; it is watched.'),
    required: switchField(
      'Refuse connections without a client certificate. When `false`, routes ask for one with `auth.certificates`.',
      true,
    ),
  })
  .transform(({ ca, crl, required }) => ({ ca, crl, required }));

export const tlsSchema: z.ZodType<TlsSetting> = z
  .strictObject({
    cert: certificateFields.cert
      .optional()
      .describe('PEM file with the certificate and its chain; it is watched.'),
    key: certificateFields.key.optional(),
    passphrase_file: certificateFields.passphrase_file,
    passphrase_env: certificateFields.passphrase_env,
    certificates: z
      .array(certificateSchema)
      .prefault([])
      .describe('Further certificates for other names. The client chooses by the name it asks for.'),
    acme: acmeSchema.optional(),
    policy: z
      .enum(['intermediate', 'modern'])
      .prefault('intermediate')
      .describe("Mozilla's recommendation of this name: `modern` is TLS 1.3 alone."),
    clients: clientsSchema.optional().describe('Certificates that clients have to show (mutual TLS).'),
  })
  .transform((setting): TlsSetting => ({
    cert: setting.cert,
    key: setting.key,
    passphrase_file: setting.passphrase_file,
    passphrase_env: setting.passphrase_env,
    certificates: setting.certificates,
    acme: setting.acme,
    policy: setting.policy,
    clients: setting.clients,
  }))
  .prefault({})
  .describe(
    'Certificates. With none of the settings a public name gets one of a public authority, all else one of the local authority.',
  );

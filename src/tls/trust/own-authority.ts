import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { GatewayError } from '../../lib/gateway-error.ts';
import { parsePem } from '../files/pem.ts';
import { loadLocalAuthority, readAuthorityFile } from '../local-ca/local-ca.ts';

/** The local authority's certificate after it was found to be what it must be; nothing else goes into a trust store. */
export interface OwnAuthority {
  /** `Breakwater local CA` and the mark. */
  readonly name: string;
  /** The first eight hexadecimal digits of the key's identifier. */
  readonly mark: string;
  /** The text that was checked: one certificate. */
  readonly pem: string;
  /** Absolute path it was read from. */
  readonly file: string;
  readonly certificate: X509Certificate;
}

export interface OwnAuthorityOptions {
  /** Absolute. */
  readonly stateDir: string;
  /** Wall-clock milliseconds. */
  readonly now: number;
}

/**
 * The authority to trust; created on first use. Throws a GatewayError: E_STATE_UNWRITABLE, or E_TLS_STATE when it is damaged,
 * expired, or not one of ours.
 */
export async function loadAuthorityToTrust(options: OwnAuthorityOptions): Promise<OwnAuthority> {
  await loadLocalAuthority(options);
  const authority = await readAuthorityToRemove(options.stateDir);
  if (authority !== undefined) return authority;
  throw refused(join(options.stateDir, 'local-ca', 'ca.pem'), 'it was removed while it was read');
}

/**
 * The authority whose traces are to go, expired or without key as it may be; `undefined` when the state directory holds none.
 * It must be ours here too: removing must not take the root of somebody else out of a store. Throws a GatewayError E_TLS_STATE.
 */
export async function readAuthorityToRemove(stateDir: string): Promise<OwnAuthority | undefined> {
  const file = join(stateDir, 'local-ca', 'ca.pem');
  const text = await readAuthorityFile(file);
  if (text === undefined) return undefined;
  const [block, second] = parsePem(text);
  if (block === undefined || block.label !== 'CERTIFICATE') throw refused(file, 'it is not a certificate');
  if (second !== undefined) throw refused(file, 'it holds more than one certificate');
  const certificate = parseCertificate(block.text, file);
  const { findAuthorityFault } = await import('./authority-fault.ts');
  const found = findAuthorityFault(certificate);
  if (!found.ok) throw refused(file, found.error);
  return { ...found.value, pem: block.text, file, certificate };
}

/** True for a PEM text that holds this very certificate, however its lines are wrapped. */
export function holdsCertificate(text: string, { pem }: Pick<OwnAuthority, 'pem'>): boolean {
  return parsePem(text).some((block) => toBody(block.text) === toBody(pem));
}

function toBody(pem: string): string {
  return pem.replaceAll(/\s/g, '');
}

function parseCertificate(text: string, file: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (cause) {
    throw refused(file, 'it cannot be read as a certificate', cause);
  }
}

function refused(file: string, reason: string, cause?: unknown): GatewayError {
  return new GatewayError('E_TLS_STATE', `\`${file}\` is not touched in any trust store: ${reason}`, {
    cause,
  });
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCertificateVault } from '../../../src/tls/automation/certificate-vault.ts';
import { emptyRecord, type RenewalRecord } from '../../../src/tls/automation/renewal-record.ts';
import { createTestChain, type TestCertificate } from '../../support/certificates.ts';

export interface TestState {
  readonly stateDir: string;
  /** Stores a certificate with its chain, as if an authority had issued it. */
  store(
    name: string,
    options?: { readonly days?: number; readonly notBefore?: number },
  ): Promise<TestCertificate>;
  storeRecord(name: string, record: Partial<RenewalRecord>): Promise<void>;
  clean(): Promise<void>;
}

/** A state directory of its own for a test. */
export async function createTestState(): Promise<TestState> {
  const stateDir = await mkdtemp(join(tmpdir(), 'breakwater-certs-'));
  const vault = createCertificateVault(stateDir);
  return {
    stateDir,
    async store(name, options = {}) {
      const { leaf, intermediate } = await createTestChain({ names: [name], ...options });
      await vault.store(name, { chain: leaf.cert + intermediate.cert, key: leaf.key });
      return leaf;
    },
    storeRecord: (name, record) => vault.storeRecord(name, { ...emptyRecord, ...record }),
    clean: () => rm(stateDir, { recursive: true, force: true }),
  };
}

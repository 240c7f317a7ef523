import { createHash } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import { GatewayError, isGatewayError } from '../../lib/gateway-error.ts';
import type { Lock } from '../../state/lock.ts';
import type { RedisConnection } from '../../state/redis/redis-connection.ts';
import { acquireRedisLock, type RedisLock } from '../../state/redis/redis-lock.ts';
import { createRedisTexts } from '../../state/redis/redis-texts.ts';
import type { SharedText } from '../../state/shared-text.ts';
import type { TlsMaterial } from '../tls-material.ts';
import { toFolderName } from './certificate-name.ts';
import type { CertificateVault, StoredCertificate } from './certificate-vault.ts';
import { parseRenewalRecord, toRecordText, type RenewalRecord } from './renewal-record.ts';
import { toEmergency } from './renewal-schedule.ts';
import { parseStoredCertificate, toStoredText } from './stored-certificate.ts';

export interface SharedVaultOptions {
  /** The copy in the state directory of this replica, which serves while Redis is away. */
  readonly local: CertificateVault;
  readonly redis: RedisConnection;
  readonly clock: Clock;
  readonly onProblem: (event: {
    readonly kind: 'warning';
    readonly name: string;
    readonly warning: Diagnostic;
  }) => void;
}

const channel = 'certificates';

/** What Redis has of a certificate; `undefined` for what is not there. */
interface SharedCertificate {
  readonly material: TlsMaterial | undefined;
  readonly record: RenewalRecord | undefined;
  readonly problems: readonly Diagnostic[];
}

/**
 * Certificates that replicas without a common directory share in Redis. Each keeps a copy in its state directory, where commands find it
 * too. Of two certificates for a name the one that begins later counts, so that neither an old copy nor a Redis that was set back takes a
 * newer one out of service. What writes also rejects with a GatewayError (E_STATE_UNREACHABLE); reading never does.
 */
export function createSharedVault({ local, redis, clock, onProblem }: SharedVaultOptions): CertificateVault {
  const texts = createRedisTexts(redis);
  /** Locks that are held, by name; `alone` where Redis was away and the certificate almost over. */
  const held = new Map<string, RedisLock | 'alone'>();
  const stamps = new Map<string, string>();
  const forever = new AbortController().signal;

  const toPath = (name: string): string => {
    const folder = toFolderName(name);
    if (folder !== undefined) return `certificates/${folder}`;
    throw new GatewayError('E_CERT_UNKNOWN', `\`${name}\` is no name that a certificate can be for`);
  };
  const certificateOf = (name: string): SharedText => texts(`${toPath(name)}/certificate.pem`);
  const recordOf = (name: string): SharedText => texts(`${toPath(name)}/renewal.json`);

  /** `undefined` while Redis is away, which the connection tells of. */
  const readShared = async (name: string): Promise<SharedCertificate | undefined> => {
    const [certificate, record] = [certificateOf(name), recordOf(name)];
    try {
      const [certificateText, recordText] = await Promise.all([certificate.read(), record.read()]);
      const parsed =
        certificateText === undefined
          ? undefined
          : parseStoredCertificate({ file: certificate.place, text: certificateText }, name);
      const parsedRecord = recordText === undefined ? undefined : parseRenewalRecord(recordText);
      return {
        material: parsed?.ok === true ? parsed.value : undefined,
        record: parsedRecord?.ok === true ? parsedRecord.value : undefined,
        problems: [
          ...(parsed?.ok === false ? [toProblem(certificate.place, parsed.error.message)] : []),
          ...(parsedRecord?.ok === false ? [toProblem(record.place, parsedRecord.error)] : []),
        ],
      };
    } catch (error) {
      if (isGatewayError(error)) return undefined;
      throw error;
    }
  };

  /** Puts a text there unless another replica does so at the same time; its text is as good. */
  const offer = async (text: SharedText, wanted: string): Promise<void> => {
    const before = await text.read();
    if (before !== wanted) await text.replace({ before, text: wanted, signal: forever });
  };

  const putCertificate = async (name: string, material: TlsMaterial): Promise<void> => {
    const text = toStoredText(material);
    const lock = held.get(name);
    if (lock === 'alone')
      throw new GatewayError('E_STATE_UNREACHABLE', 'other replicas get it once Redis is back');
    if (lock !== undefined) await lock.put(`${toPath(name)}/certificate.pem`, text);
    else {
      const shared = await certificateOf(name).read();
      const theirs = shared === undefined ? undefined : parseShared(shared, name);
      if (theirs === undefined || isLater(material, theirs)) await offer(certificateOf(name), text);
    }
    await redis.publish(channel, toPath(name));
  };

  const putRecord = async (name: string, record: RenewalRecord): Promise<void> => {
    const text = toRecordText(record);
    const lock = held.get(name);
    if (lock === 'alone') return;
    if (lock === undefined) await offer(recordOf(name), text);
    else await lock.put(`${toPath(name)}/renewal.json`, text);
  };

  /** Brings Redis and the copy together. What cannot be written on either side is written by the next one that can. */
  const reconcile = async (
    name: string,
    own: StoredCertificate,
    shared: SharedCertificate,
  ): Promise<StoredCertificate> => {
    const problems = [...own.problems, ...shared.problems];
    const attempt = async (write: () => Promise<void>): Promise<void> => {
      try {
        await write();
      } catch (error) {
        if (!isGatewayError(error)) throw error;
        problems.push({ severity: 'warning', code: error.code, message: error.message });
      }
    };
    const { material: theirs } = shared;
    const isTheirs = theirs !== undefined && (own.material === undefined || !isLater(own.material, theirs));
    const material = isTheirs ? theirs : own.material;
    if (isTheirs && theirs.facts.serialNumber !== own.material?.facts.serialNumber)
      await attempt(() => local.store(name, theirs));
    else if (!isTheirs && own.material !== undefined) {
      const { material: ours } = own;
      await attempt(() => putCertificate(name, ours));
    }
    const record = shared.record ?? own.record;
    if (shared.record === undefined) {
      if (own.material !== undefined) await attempt(() => putRecord(name, own.record));
    } else if (toRecordText(shared.record) !== toRecordText(own.record))
      await attempt(() => local.storeRecord(name, record));
    return { material, record, problems };
  };

  const load = async (name: string): Promise<StoredCertificate> => {
    const own = await local.load(name);
    const shared = await readShared(name);
    return shared === undefined ? own : reconcile(name, own, shared);
  };

  return {
    ...local,
    load,
    async loadRecord(name) {
      return (await readShared(name))?.record ?? local.loadRecord(name);
    },
    async store(name, certificate) {
      await local.store(name, certificate);
      const { material } = await local.load(name);
      if (material !== undefined) await putCertificate(name, material);
    },
    async storeRecord(name, record) {
      await local.storeRecord(name, record);
      await putRecord(name, record);
    },
    async readStamp(name) {
      try {
        const text = await certificateOf(name).read();
        if (text === undefined) return await local.readStamp(name);
        const stamp = createHash('sha256').update(text).digest('hex');
        stamps.set(name, stamp);
        return stamp;
      } catch (error) {
        if (!isGatewayError(error)) throw error;
        return stamps.get(name) ?? local.readStamp(name);
      }
    },
    async lock(name, options) {
      const file = await local.lock(name, options);
      try {
        const lock = await acquireRedisLock({ ...options, connection: redis, name: toPath(name) });
        held.set(name, lock);
        return join(file, lock, () => held.delete(name));
      } catch (error) {
        const { material } = await local.load(name);
        const isAway = isGatewayError(error) && error.code === 'E_STATE_UNREACHABLE';
        if (!isAway || material === undefined || clock.now() < toEmergency(material.facts)) {
          await file.release();
          throw error;
        }
        const message = `renewing \`${name}\` without asking other replicas, since it is almost over: ${error.message}`;
        onProblem({ kind: 'warning', name, warning: { severity: 'warning', code: error.code, message } });
        held.set(name, 'alone');
        return join(file, undefined, () => held.delete(name));
      }
    },
    watch: (onStored) => redis.listen(channel, onStored),
  };
}

/** Both are held, and one that is lost is lost. */
function join(file: Lock, shared: RedisLock | undefined, onRelease: () => void): Lock {
  return {
    lost: shared === undefined ? file.lost : AbortSignal.any([file.lost, shared.lost]),
    async release() {
      onRelease();
      await shared?.release();
      await file.release();
    },
  };
}

function parseShared(text: string, name: string): TlsMaterial | undefined {
  const parsed = parseStoredCertificate({ file: 'certificate.pem', text }, name);
  return parsed.ok ? parsed.value : undefined;
}

function isLater({ facts }: TlsMaterial, other: TlsMaterial): boolean {
  return facts.notBefore > other.facts.notBefore;
}

function toProblem(place: string, reason: string): Diagnostic {
  return {
    severity: 'warning',
    code: 'E_CERT_STATE',
    message: `\`${place}\` is damaged and not used: ${reason}`,
  };
}

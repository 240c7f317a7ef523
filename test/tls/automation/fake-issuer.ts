import { createTestCertificate, type TestCertificate } from '../../support/certificates.ts';
import type {
  CertificateIssuer,
  IssuedCertificate,
  IssueRequest,
  RenewalInfo,
} from '../../../src/tls/automation/issuer.ts';
import type { Clock } from '../../../src/lib/clock.ts';

const day = 86_400_000;

/** An authority in memory. What it does next is set by the test. */
export class FakeIssuer implements CertificateIssuer {
  readonly id: string;
  readonly title: string;
  readonly requests: IssueRequest[] = [];
  /** Life of what it issues, in days. */
  days: number;
  /** Runs before each issuance; a rejection fails it. */
  onIssue: (request: IssueRequest) => Promise<void> = () => Promise.resolve();
  /** What is delivered instead of a good certificate. */
  forge: ((request: IssueRequest) => Promise<IssuedCertificate>) | undefined;
  wish: (certificate: IssuedCertificate, signal: AbortSignal) => Promise<RenewalInfo | undefined> = () =>
    Promise.resolve(undefined);
  asks = 0;
  readonly #clock: Clock;
  readonly #root: TestCertificate;

  private constructor(options: { id: string; days: number; clock: Clock; root: TestCertificate }) {
    this.id = options.id;
    this.title = `Authority ${options.id}`;
    this.days = options.days;
    this.#clock = options.clock;
    this.#root = options.root;
  }

  static async create(options: {
    readonly clock: Clock;
    readonly id?: string;
    readonly days?: number;
  }): Promise<FakeIssuer> {
    const root = await createTestCertificate({ names: ['Fake Root'], ca: true, days: 9000, notBefore: 0 });
    return new FakeIssuer({ id: 'one', days: 90, ...options, root });
  }

  async issue(request: IssueRequest): Promise<IssuedCertificate> {
    this.requests.push(request);
    for (const step of ['account', 'order', 'challenge'] as const) request.onStep(step);
    await this.onIssue(request);
    request.signal.throwIfAborted();
    for (const step of ['issue', 'download'] as const) request.onStep(step);
    return this.forge === undefined ? this.sign(request.names) : this.forge(request);
  }

  async sign(names: readonly string[], days: number = this.days): Promise<IssuedCertificate> {
    const leaf = await createTestCertificate({
      names,
      days,
      notBefore: Math.floor(this.#clock.now() / 1000) * 1000,
      issuer: this.#root,
    });
    return { chain: leaf.cert + this.#root.cert, key: leaf.key };
  }

  async renewalInfo(certificate: IssuedCertificate, signal: AbortSignal): Promise<RenewalInfo | undefined> {
    this.asks++;
    return this.wish(certificate, signal);
  }
}

/** A window around a moment. */
export function toWindow(at: number, options: { readonly retryAfter?: number } = {}): RenewalInfo {
  return {
    windowStart: at - day / 4,
    windowEnd: at + day / 4,
    explanationUrl: undefined,
    retryAfter: options.retryAfter ?? day / 4,
  };
}

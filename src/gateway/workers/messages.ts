import type { ListenAddress } from '../../config/config.ts';
import type { Diagnostic } from '../../lib/diagnostic.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import type { Result } from '../../lib/result.ts';
import type { CertificateEvent } from '../../tls/certificate-provider.ts';
import type { LaunchFacts, LaunchOptions, ReloadFacts, RunningDescription } from '../launch.ts';
import type { DoorPlace } from '../listening/doors.ts';
import type { WantedConfig } from '../wanted-config.ts';
import type { SharedNews } from './shared-news.ts';

/** What the supervisor tells a worker. Messages are cloned, so they are data alone. */
export type ToWorker =
  | ({ readonly kind: 'start' } & WorkerStart)
  | { readonly kind: 'reload'; readonly ask: number; readonly wanted: WantedConfig }
  | { readonly kind: 'describe'; readonly ask: number }
  | { readonly kind: 'stop'; readonly lingers: boolean }
  | { readonly kind: 'hasten' }
  /** What another worker has to tell the others. */
  | { readonly kind: 'news'; readonly from: number; readonly news: SharedNews }
  /** A worker is no more: what it counted counts no longer. */
  | { readonly kind: 'gone'; readonly worker: number }
  | ForDoors;

/** What a worker hears of its doors. */
export type ForDoors =
  | {
      readonly kind: 'opened';
      readonly number: number;
      readonly result: Result<ListenAddress, SystemFailure>;
    }
  /** The socket comes with the message; `connection` is to be confirmed. */
  | { readonly kind: 'connection'; readonly number: number; readonly connection: number }
  /** No connection comes after it. */
  | { readonly kind: 'closed'; readonly number: number };

/** What the system said, where an error itself cannot go. */
export interface SystemFailure {
  readonly message: string;
  readonly code: string | undefined;
  readonly port: number | undefined;
}

/** Raised whenever a message changes: the supervisor may be older than the workers that it starts after an upgrade. */
export const protocol = 3;

export interface WorkerStart
  extends WantedConfig, Pick<LaunchOptions, 'terminal' | 'createsKey' | 'handed' | 'announced'> {
  readonly protocol: number;
  /** What all workers of this supervisor are called together. */
  readonly replica: string;
}

/** What a worker tells the supervisor. */
export type FromWorker =
  | { readonly kind: 'ready'; readonly facts: LaunchFacts }
  /** It cannot start, and starting it again would not help. */
  | { readonly kind: 'failed'; readonly failure: StartFailure }
  | {
      readonly kind: 'reloaded';
      readonly ask: number;
      readonly result: Result<ReloadFacts, readonly Diagnostic[]>;
    }
  | { readonly kind: 'described'; readonly ask: number; readonly description: RunningDescription }
  | { readonly kind: 'certificate'; readonly event: CertificateEvent }
  | { readonly kind: 'owner-code'; readonly code: string }
  | { readonly kind: 'news'; readonly news: SharedNews }
  /** It wants to serve a door, and calls it by a number of its own. */
  | { readonly kind: 'open'; readonly number: number; readonly place: DoorPlace }
  | { readonly kind: 'close'; readonly number: number }
  /** It has a connection that it was given. */
  | { readonly kind: 'taken'; readonly connection: number };

export type StartFailure =
  | { readonly kind: 'problems'; readonly diagnostics: readonly Diagnostic[] }
  | {
      readonly kind: 'error';
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string;
    };

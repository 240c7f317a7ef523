import type { Clock } from '../lib/clock.ts';
import type { Diagnostic } from '../lib/diagnostic.ts';
import { toErrorMessage } from '../lib/error-message.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import type { CertificateEvent, CertificateProvider } from './certificate-provider.ts';
import type { CertificateSource } from './certificate-source.ts';
import { createLookLoop } from './files/look-loop.ts';

export interface WatchedSourceOptions {
  readonly source: CertificateSource;
  readonly clock: Clock;
  readonly report: (event: CertificateEvent) => void;
  /** Calls back when it may be worth looking, until it is closed. */
  readonly watch: (onChange: () => void) => { close(): void };
  /** Puts what `served` says into service. When it throws, the old certificate stays. */
  readonly onChange: () => void;
}

export interface WatchedSource extends CertificateProvider {
  /** What was found wrong at the start, without being an obstacle. */
  readonly warnings: readonly Diagnostic[];
}

/** Takes the first look at a source, and looks again when something may have changed. Fails when the first look does. */
export async function openWatchedSource(
  options: WatchedSourceOptions,
): Promise<Result<WatchedSource, readonly Diagnostic[]>> {
  const { source, clock, report } = options;
  const first = await source.look(clock.now());
  if (first.kind === 'failed') return fail(first.errors);
  if (first.kind !== 'loaded') {
    throw new Error(`a certificate source answered its first look with \`${first.kind}\``);
  }
  let { material } = first;

  const look = async (): Promise<number | undefined> => {
    const outcome = await source.look(clock.now());
    switch (outcome.kind) {
      case 'unchanged':
        return undefined;
      case 'unsettled':
        return outcome.lookAgainIn;
      case 'failed':
        report({ kind: 'kept', errors: outcome.errors });
        return undefined;
      case 'loaded': {
        const previous = material;
        ({ material } = outcome);
        try {
          options.onChange();
        } catch (error) {
          material = previous;
          throw error;
        }
        report({ kind: 'replaced', facts: material.facts });
        for (const warning of outcome.warnings) report({ kind: 'warning', warning });
        return undefined;
      }
    }
  };
  const loop = createLookLoop({
    clock,
    look,
    watch: options.watch,
    onFailure(error) {
      const message = `looking for a new certificate failed: ${toErrorMessage(error)}`;
      report({ kind: 'kept', errors: [{ severity: 'error', code: 'E_INTERNAL', message }] });
    },
  });
  return ok({
    warnings: first.warnings,
    served: () => [{ material, renewsAt: source.renewsAt }],
    refresh: () => loop.refresh(),
    close: () => loop.close(),
  });
}

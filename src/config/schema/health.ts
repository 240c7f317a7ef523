import { z } from 'zod';
import { ok, type Result } from '../../lib/result.ts';
import {
  countField,
  durationField,
  optionalDurationField,
  failValue,
  parsedField,
  type FieldProblem,
} from './field.ts';
import { isRequestPath } from './upstream.ts';

/** Active checks of the servers of a route, as they are written. */
export interface HealthSetting {
  readonly check: 'none' | 'tcp' | 'http' | 'discover';
  readonly path: string | undefined;
  readonly interval: number;
  readonly timeout: number;
  readonly rise: number;
  readonly fall: number;
}

const mostInRow = 100;
const usualTimeout = 2000;

export const healthSchema: z.ZodType<HealthSetting> = z
  .strictObject({
    check: z
      .enum(['tcp', 'http', 'discover', 'none'])
      .prefault('tcp')
      .describe(
        'What is checked: that it takes a connection, with TLS where the URL says so (`tcp`); that it answers a GET of `path` with 2xx or 3xx (`http`); that it answers `server/discover`, be it with an error of an older server (`discover`); nothing (`none`). `initialize` is never sent, since it leaves sessions behind.',
      ),
    path: parsedField(z.string(), parsePath)
      .optional()
      .describe('Path on the server that `http` gets, such as `/health`.'),
    interval: durationField({
      default: '5s',
      min: 100,
      description: 'From one check to the next, give or take a tenth; each process checks for itself.',
    }),
    timeout: optionalDurationField({
      min: 10,
      description:
        'Longest time that a check may take; shorter than `interval`. Default: 2s, but no more than half the interval.',
    }),
    rise: countField({
      default: 2,
      min: 1,
      max: mostInRow,
      description: 'Checks in a row that a server passes before it gets new work again.',
    }),
    fall: countField({
      default: 3,
      min: 1,
      max: mostInRow,
      description:
        'Checks in a row that a server fails before it gets no new work. The very first one decides alone.',
    }),
  })
  .transform(({ path, timeout, ...health }) => ({
    ...health,
    path,
    timeout: timeout ?? Math.min(usualTimeout, health.interval / 2),
  }));

function parsePath(text: string): Result<string, FieldProblem> {
  return isRequestPath(text)
    ? ok(text)
    : failValue('is not a path that can be requested', 'write a plain path such as `/health`');
}

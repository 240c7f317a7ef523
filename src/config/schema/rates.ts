import { z } from 'zod';
import { fail, ok } from '../../lib/result.ts';
import type { ConcurrencyConfig, LimitKey, RateConfig } from '../config.ts';
import { durationField, parsedField } from './field.ts';
import { namePatternsSchema } from './patterns.ts';

const second = 1000;
const most = 1_000_000_000;

const perSchema: z.ZodType<LimitKey> = z
  .enum(['principal', 'client', 'address', 'route', 'tool'])
  .describe('What is counted on its own: each caller, OAuth client, client address, route, or tool.');

const routesSchema = z
  .array(z.string())
  .min(1)
  .optional()
  .describe(
    'Routes that it is about: by path, or by host and path (`a.example.com/mcp`) where it is one of several. Default: all.',
  );

export const ratesSchema: z.ZodPrefault<z.ZodType<readonly RateConfig[]>> = z
  .array(
    z
      .strictObject({
        per: perSchema,
        requests: z.int().min(1).max(most).describe('Most requests in that time; as many may come at once.'),
        within: durationField({
          default: '1m',
          min: second,
          max: 31 * 86_400 * second,
          description: 'The time; between 1s and 31d.',
        }),
        routes: routesSchema,
        tools: namePatternsSchema
          .optional()
          .describe('Names of tools whose calls alone are counted; `*` stands for any characters.'),
      })
      .transform(({ routes = [], tools = [], ...rate }): RateConfig => ({
        ...rate,
        routes: routes.map(toPath),
        tools,
      })),
  )
  .prefault([])
  .describe('Most requests in a time. All that fit a request count it, and each message of a batch is one.');

export const concurrencySchema: z.ZodPrefault<z.ZodType<readonly ConcurrencyConfig[]>> = z
  .array(
    parsedField(
      z.strictObject({
        per: perSchema,
        calls: z.int().min(1).max(most).optional().describe('Most calls that run at the same time.'),
        streams: z
          .int()
          .min(1)
          .max(most)
          .optional()
          .describe('Most event streams that are open at the same time.'),
        routes: routesSchema,
      }),
      ({ per, calls, streams, routes = [] }) =>
        calls === undefined && streams === undefined
          ? fail({
              code: 'E_CONFIG_MISSING',
              predicate: 'limits nothing',
              label: 'needs `calls` or `streams`',
              fix: 'add `calls` or `streams`',
            })
          : ok({ per, calls, streams, routes: routes.map(toPath) }),
    ),
  )
  .prefault([])
  .describe('Most that runs at the same time, each message of a batch for itself.');

/** As the path of a route is written: with or without a trailing slash. */
function toPath(text: string): string {
  return text.length > 1 && text.endsWith('/') ? text.slice(0, -1) : text;
}

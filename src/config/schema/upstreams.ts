import { z } from 'zod';
import type { RouteConfig } from '../config.ts';
import type { UpstreamLimitsConfig, UpstreamServerConfig } from '../upstream-config.ts';
import { countField, durationField } from './field.ts';
import { upstreamSchema } from './upstream.ts';

const most = 64;
const heaviest = 1000;

const addressSchema = upstreamSchema.transform((target): UpstreamServerConfig => ({
  target,
  weight: 1,
  resolvesAll: false,
}));

const weightedSchema = z
  .strictObject({
    url: upstreamSchema,
    weight: countField({
      default: 1,
      min: 0,
      max: heaviest,
      description:
        'Share of new work. With 0 it gets none, and keeps the sessions that it has: that is how a copy is taken out of service.',
    }),
    resolve: z
      .enum(['one', 'all'])
      .prefault('one')
      .describe(
        'What a host name with several addresses stands for: for one server (`one`), or for a copy at each of them (`all`), as the name of a headless service of Kubernetes does. The name is resolved every 10 s, and each address is a server of its own with this weight.',
      ),
  })
  .transform(({ url, weight, resolve }): UpstreamServerConfig => ({
    target: url,
    weight,
    resolvesAll: resolve === 'all',
  }));

const toList = (server: UpstreamServerConfig): readonly UpstreamServerConfig[] => [server];

export const upstreamsSchema: z.ZodType<readonly UpstreamServerConfig[]> = z
  .union(
    [
      addressSchema.transform(toList),
      weightedSchema.transform(toList),
      z
        .array(z.union([addressSchema, weightedSchema], { error: 'an address, a port, or a mapping' }))
        .min(1)
        .max(most),
    ],
    { error: 'an address, a port, or a list of them' },
  )
  .meta({
    description:
      'The MCP server: a URL, `host:port`, a port of this machine, or `unix:SOCKET:PATH`. Without a path `/mcp` is meant. A list names copies of one server, each an address or `{ url, weight, resolve }`.',
    examples: [
      'http://127.0.0.1:8000/mcp',
      '127.0.0.1:8000',
      8000,
      'unix:/run/server.sock:/mcp',
      [8000, { url: 8001, weight: 2 }],
    ],
  });

export const balanceSchema: z.ZodPrefault<z.ZodType<RouteConfig['balance']>> = z
  .enum(['round_robin', 'least_requests'])
  .prefault('least_requests')
  .describe(
    'How calls and new sessions are spread over several servers: in turn, or to the one with the fewest requests under way; both by weight. A session stays with its server.',
  );

export const upstreamLimitsSchema: z.ZodOptional<z.ZodType<UpstreamLimitsConfig>> = z
  .strictObject({
    connections: z
      .int()
      .min(1)
      .max(1_000_000)
      .describe('Most connections to one server; each request and each open stream has one.'),
    queue: countField({
      default: 100,
      min: 0,
      max: 1_000_000,
      description: 'Most requests that wait for a connection; further ones are answered with 503.',
    }),
    queue_timeout: durationField({
      default: '10s',
      min: 1000,
      description: 'How long a request waits at most before it is answered with 503.',
    }),
  })
  .transform(({ connections, queue, queue_timeout: queueTimeout }) => ({ connections, queue, queueTimeout }))
  .optional()
  .describe(
    'What each server of the route takes at a time; divided between the workers, one connection for each at least. Default: no limit.',
  );

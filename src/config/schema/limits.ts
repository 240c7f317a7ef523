import { z } from 'zod';
import type { LimitsConfig } from '../config.ts';
import { byteSizeField, countField } from './field.ts';
import { concurrencySchema, ratesSchema } from './rates.ts';

const kib = 1024;
const mib = 1024 * kib;

export const limitsSchema: z.ZodType<LimitsConfig> = z
  .strictObject({
    head: byteSizeField({
      default: '16KiB',
      min: 512,
      max: mib,
      description: 'Largest request head: request line and all header fields.',
    }),
    fields: countField({ default: 100, min: 8, max: 1000, description: 'Most header fields of a request.' }),
    url: byteSizeField({ default: '4KiB', min: 16, max: mib, description: 'Longest request target.' }),
    body: byteSizeField({
      default: '8MiB',
      min: 1,
      max: 1024 * mib,
      description: 'Largest request body. It is read whole before it is forwarded.',
    }),
    all_bodies: byteSizeField({
      default: '256MiB',
      min: 4 * kib,
      max: 64 * 1024 * mib,
      description:
        'Request bodies held at a time, over all connections; at least one of the largest size. Above it unfinished ones of the address that holds most are refused.',
    }),
    connections: countField({
      default: 20_000,
      min: 1,
      max: 1_000_000,
      description:
        'Most client connections at a time; lowered where the system allows too few open files. The last eight are for this machine itself, such as health checks.',
    }),
    connections_per_address: countField({
      default: 2000,
      min: 1,
      max: 1_000_000,
      description: 'Most client connections of one address at a time; of IPv6, of one /64.',
    }),
    http2_streams: countField({
      default: 100,
      min: 1,
      max: 1000,
      description: 'Most concurrent streams of one HTTP/2 connection.',
    }),
    rates: ratesSchema,
    concurrency: concurrencySchema,
  })
  .transform((limits) => ({
    headBytes: limits.head,
    headFields: limits.fields,
    urlBytes: limits.url,
    bodyBytes: limits.body,
    allBodiesBytes: limits.all_bodies,
    connections: limits.connections,
    connectionsPerAddress: limits.connections_per_address,
    http2Streams: limits.http2_streams,
    rates: limits.rates,
    concurrency: limits.concurrency,
  }))
  .prefault({})
  .describe('Caps on what clients can make the gateway hold.');

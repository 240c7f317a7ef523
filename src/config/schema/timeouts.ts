import { z } from 'zod';
import type { TimeoutsConfig } from '../config.ts';
import { durationField } from './field.ts';

export const timeoutsSchema: z.ZodType<TimeoutsConfig> = z
  .strictObject({
    handshake: durationField({ default: '10s', description: 'Longest TLS handshake.' }),
    head: durationField({ default: '10s', description: 'Longest time a request head may take to arrive.' }),
    body: durationField({
      default: '10s',
      description:
        'Longest time a request body may take to arrive, or pause on its way. Each 16 kB that have arrived add a second.',
    }),
    idle: durationField({
      default: '75s',
      description:
        'How long a client connection without a request stays open. A running answer has no limit.',
    }),
    stall: durationField({
      default: '30s',
      description:
        'How long a reader may leave its buffer full, or a vanished peer unacknowledged what it was sent (Linux), before it is cut.',
    }),
    connect: durationField({ default: '5s', description: 'Longest time to connect to an upstream.' }),
    upstream_idle: durationField({
      default: '4s',
      description: 'Longest time an idle upstream connection is used again; below the 5 s of common servers.',
    }),
    heartbeat: durationField({
      default: '15s',
      min: 1000,
      description: 'Silence on an event stream after which a comment is sent; at least 1s.',
    }),
    drain: durationField({
      default: '30s',
      min: 0,
      description: 'How long running calls may finish after SIGTERM.',
    }),
  })
  .transform(({ upstream_idle: upstreamIdle, ...timeouts }) => ({ ...timeouts, upstreamIdle }))
  .prefault({})
  .describe('Time limits: a number and a unit, such as `500ms`, `30s`, `5m` or `24h`.');

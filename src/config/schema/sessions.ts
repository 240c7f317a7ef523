import { z } from 'zod';
import type { SessionsConfig } from '../sessions-config.ts';
import { countField, durationField, switchField } from './field.ts';

export const sessionsSchema: z.ZodType<SessionsConfig> = z
  .strictObject({
    revival: switchField(
      'Begin a session again that an MCP server has lost (restart, deploy, expiry), and end those whose client is gone. `false` leaves sessions to clients and servers.',
      true,
    ),
    idle_timeout: durationField({
      default: '24h',
      min: 1000,
      description:
        'Disuse after which a session is ended at its MCP server. One whose client comes back later begins again.',
    }),
    live: countField({
      default: 10_000,
      min: 1,
      max: 1_000_000,
      description:
        'Most sessions that a worker holds. Beyond, one that was not used for long is ended; where all are in use, `initialize` is answered with 503.',
    }),
    noted: countField({
      default: 100_000,
      min: 100,
      max: 10_000_000,
      description:
        'Most sessions of which something is remembered: where they began again, log level, subscriptions, that they were ended. The least recently used are forgotten.',
    }),
  })
  .transform(({ revival, idle_timeout: idleTimeout, live, noted }): SessionsConfig => ({
    revival,
    idleTimeout,
    live,
    noted,
  }))
  .prefault({})
  .describe('Sessions of the revisions up to 2025-11-25.');

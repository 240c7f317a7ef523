import { z } from 'zod';
import type { KeepAliveConfig } from '../config.ts';
import { optionalDurationField } from './field.ts';

export const keepAliveSchema: z.ZodType<KeepAliveConfig> = z
  .strictObject({
    json: optionalDurationField({
      min: 1000,
      description:
        'Silence of an MCP server after which the answer to a call begins as an event stream, where the client accepts one: comments go out at once and each `timeouts.heartbeat`, and the JSON that comes later is one event. `10s` is well below what cuts silent connections; at least 1s. Default: off, the client waits in silence.',
    }),
  })
  .transform(({ json }): KeepAliveConfig => ({ json }))
  .prefault({})
  .describe('What keeps a call alive whose answer takes long.');

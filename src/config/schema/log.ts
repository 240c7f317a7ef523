import { z } from 'zod';
import type { LogConfig } from '../config.ts';
import { fileNameSchema } from './file-name.ts';

export const logSchema: z.ZodType<LogConfig> = z
  .strictObject({
    level: z
      .enum(['debug', 'info', 'warn', 'error', 'silent'])
      .prefault('info')
      .describe('Least severe messages that are logged.'),
    format: z
      .enum(['auto', 'json', 'pretty'])
      .prefault('auto')
      .describe('`auto` is `pretty` on a terminal and `json` elsewhere.'),
    access: fileNameSchema
      .prefault('stderr')
      .describe('Where one line a request goes: `stderr`, `off`, or a file name.'),
  })
  .transform(({ level, format, access }): LogConfig => ({
    level,
    format,
    access: access === 'stderr' || access === 'off' ? { kind: access } : { kind: 'file', path: access },
  }))
  .prefault({})
  .describe('What is logged, and how.');

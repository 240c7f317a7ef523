import { z } from 'zod';
import { ok } from '../../lib/result.ts';
import type { SplitCondition, SplitConfig } from '../split-config.ts';
import { failValue, parsedField } from './field.ts';
import { methodPatternsSchema, namePatternsSchema, uriPatternsSchema } from './patterns.ts';
import { upstreamsSchema } from './upstreams.ts';

const whenSchema: z.ZodType<SplitCondition> = parsedField(
  z.strictObject({
    eras: z
      .array(z.enum(['legacy', 'modern']))
      .min(1)
      .optional()
      .describe(
        '`modern` for revisions without sessions (from 2026-07-28 on), `legacy` for those before. Default: both, or `modern` where the entry names methods, tools, prompts or resources.',
      ),
    methods: methodPatternsSchema.optional().describe('Methods of MCP, such as `tools/call`. Default: all.'),
    tools: namePatternsSchema
      .optional()
      .describe('Names of tools, as in `rules`: an entry that names any is about these alone.'),
    prompts: namePatternsSchema.optional().describe('Names of prompts, as `tools`.'),
    resources: uriPatternsSchema.optional().describe('URIs of resources, as `tools`.'),
  }),
  ({ eras = [], methods = [], tools = [], prompts = [], resources = [] }) =>
    eras.length + methods.length + tools.length + prompts.length + resources.length === 0
      ? failValue('names nothing', 'servers for everything stand in `upstream` of the route')
      : ok({ eras, methods, tools, prompts, resources }),
);

/** Servers for some of the messages of one route, first to last. */
export const splitSchema: z.ZodPrefault<z.ZodType<readonly SplitConfig[]>> = z
  .array(
    z
      .strictObject({
        when: whenSchema.describe('Messages that go there: those that fit every setting that is given.'),
        upstream: upstreamsSchema,
      })
      .transform(({ when, upstream }): SplitConfig => ({ when, upstreams: upstream })),
  )
  .prefault([])
  .describe(
    'Other servers for some messages. The first entry that fits decides; what fits none goes to `upstream`. Sessions belong to the server that began them, so messages of the legacy era are told apart by their era alone.',
  );

import type { UpstreamServerConfig } from './upstream-config.ts';

/** The revisions without sessions, and those before. */
export type Era = 'legacy' | 'modern';

/** What a message has to be; an empty list asks for nothing, and not all of them are empty. Names and methods are patterns, as in rules. */
export interface SplitCondition {
  readonly eras: readonly Era[];
  readonly methods: readonly string[];
  readonly tools: readonly string[];
  readonly prompts: readonly string[];
  readonly resources: readonly string[];
}

/** Servers for some messages of a route. */
export interface SplitConfig {
  readonly when: SplitCondition;
  /** Copies of one MCP server; never empty. */
  readonly upstreams: readonly UpstreamServerConfig[];
}

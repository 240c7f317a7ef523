import type { Deadlines } from '../http/deadlines.ts';
import { Outlier } from './health/outlier.ts';
import { ConnectionLimit } from './limits/connection-limit.ts';

/**
 * How a server stands: what it has under way, and how it has answered. It belongs to the server and not to a configuration, so
 * a reload that keeps the server keeps it.
 */
export class Standing {
  readonly work: ConnectionLimit;
  readonly outlier: Outlier = new Outlier();

  constructor(deadlines: Deadlines) {
    this.work = new ConnectionLimit(deadlines);
  }
}

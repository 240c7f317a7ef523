import { systemClock } from '../../src/lib/clock.ts';
import { acquireLock } from '../../src/state/lock.ts';

// Takes the lock named on the command line, says so, and holds it until it is killed.
const [, , path = ''] = process.argv;
await acquireLock({ path, clock: systemClock, signal: new AbortController().signal });
process.stdout.write('held\n');
setInterval(() => undefined, 1000);

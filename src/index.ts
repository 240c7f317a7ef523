/** The public API of the package: load a configuration, run a gateway from it. */
export { loadConfig, type LoadedConfig, type LoadOptions } from './config/load.ts';
export type { Config } from './config/config.ts';
export {
  launchGateway,
  type LaunchedGateway,
  type LaunchFacts,
  type LaunchOptions,
} from './gateway/launch.ts';
export { BoundDoors } from './gateway/listening/bound-doors.ts';
export type { Diagnostic } from './lib/diagnostic.ts';
export { systemClock, type Clock } from './lib/clock.ts';

/** What the test and the attacker tell each other. */
export interface FloodCommand {
  readonly port: number;
  readonly ca: string;
  /** Name of a scenario. */
  readonly scenario: string;
  readonly count: number;
}

export interface FloodReport {
  /** Milliseconds from the first byte of the flood to GOAWAY or the end of the connection; `undefined` when neither came within a second. */
  readonly endedAfter: number | undefined;
  /** Processor time of the attacker for sending it, in seconds. */
  readonly cpuSeconds: number;
}

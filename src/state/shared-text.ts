/** A secret text that several processes share. */
export interface SharedText {
  /** Where it is, for people. */
  readonly place: string;
  /** `undefined`: there is none, or none that can be trusted because others could have written it. */
  read(): Promise<string | undefined>;
  /**
   * Puts a text in the place of what was read; false, and nothing is changed, when another process was first. Rejects with a GatewayError
   * (E_STATE_UNWRITABLE, E_STATE_UNREACHABLE), or with the reason of the signal, which ends waiting.
   */
  replace(change: {
    readonly before: string | undefined;
    readonly text: string;
    readonly signal: AbortSignal;
  }): Promise<boolean>;
}

/** Finds texts by their names, such as `sessions/seal-keys.json`. */
export type SharedTexts = (name: string) => SharedText;

/** What something that was thrown says, whatever it is: the message of an error, else its text. */
export function toErrorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

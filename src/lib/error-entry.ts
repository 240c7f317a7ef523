/** What Breakwater knows about one of its errors. */
export interface ErrorEntry {
  /** One factual sentence, lower case; safe to show to a client when `status` is set. */
  readonly title: string;
  /** What happened and why Breakwater treats it so; several sentences. */
  readonly explanation: string;
  /** One command or one edit. */
  readonly fix: string;
  /** Status of the answer on the wire, where the error can reach a client. */
  readonly status?: number;
  /** JSON-RPC code of the answer on an MCP route. Own codes lie outside -32768..-32000 (2026-07-28 basic, Error Codes). */
  readonly rpcCode?: number;
  /** Process exit code, where the error ends a command: 1 unexpected, 2 configuration, 3 auth, 4 unreachable, 5 findings, 6 refused. */
  readonly exit?: 1 | 2 | 3 | 4 | 5 | 6;
}

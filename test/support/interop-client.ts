/** How a client reaches the gateway. */
export interface Way {
  readonly protocol: 'h1' | 'h2';
  /** Whether the public path is asked for with a slash at its end. */
  readonly slash: boolean;
}

export interface ConnectTarget {
  readonly url: URL;
  readonly protocol: Way['protocol'];
  readonly transport: 'streamable-http' | 'http-sse';
  /** PEM of the authority to trust, and a file with it. */
  readonly ca: string;
  readonly caFile: string;
  /** After so many requests a client of the TypeScript SDKs opens another connection; as long as it lasts when absent. */
  readonly requestsPerConnection?: number;
}

export interface ToolCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

export interface CallOutcome {
  /** All text blocks of the result. */
  readonly text: string;
  /** The progress values heard before the result. */
  readonly progress: readonly number[];
}

/**
 * One connected client of any make. It answers elicitation with the name Ada and sampling with
 * `said the model`.
 */
export interface InteropClient {
  /** The protocol revision both sides agreed on, as far as the client tells. */
  readonly revision: string | undefined;
  /** The session, as far as the client knows one. */
  readonly sessionId: string | undefined;
  readonly notifications: NotificationLog;
  listTools(): Promise<readonly string[]>;
  call(tool: ToolCall): Promise<CallOutcome>;
  /** Subscribes to changes of the tool list (`subscriptions/listen`); resolves with what ends it, once acknowledged. */
  listen(): Promise<() => Promise<void>>;
  /** Ends the session with DELETE and, where the program can do no less, itself. */
  endSession(): Promise<void>;
  /** May be called again. */
  close(): Promise<void>;
}

/** Answers that every client gives to the questions of a server. */
export const answers = {
  elicitation: { action: 'accept', content: { name: 'Ada' } },
  sampling: { role: 'assistant', model: 'none', content: { type: 'text', text: 'said the model' } },
} as const;

/** The methods of the notifications that a client heard, to be waited for. */
export class NotificationLog {
  readonly #heard: string[] = [];
  readonly #waiting = new Set<() => void>();

  add(method: string): void {
    this.#heard.push(method);
    for (const wake of this.#waiting) wake();
  }

  has(method: string): boolean {
    return this.#heard.includes(method);
  }

  /** Whether the notification was heard before or comes within the time. */
  async heard(method: string, milliseconds: number): Promise<boolean> {
    if (this.has(method)) return true;
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(check);
        resolve(this.has(method));
      };
      const check = (): void => {
        if (this.has(method)) finish();
      };
      const timer = setTimeout(finish, milliseconds);
      this.#waiting.add(check);
    });
  }
}

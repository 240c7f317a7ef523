import type { WorkQueue } from '../../lib/work-queue.ts';
import type { Exchange, ExchangeName } from '../facts.ts';
import { exchange, type Asked } from './exchange.ts';
import type { NamedQuestion } from './named-questions.ts';
import type { Peer, Question } from './question.ts';

export interface QuestionRunOptions {
  readonly peer: Peer;
  /** Header fields of the user's credential; `undefined` when there is none, or the peer has not proved who it is. */
  readonly credential: Readonly<Record<string, string>> | undefined;
  /** Milliseconds for a head, and for a body. */
  readonly deadline: number;
  /** Milliseconds for everything that is not asked beside the budget. */
  readonly budget: number;
  /** Where each question waits for its turn. */
  readonly queue: WorkQueue;
}

/** Questions to one peer within one budget of time. Nothing here rejects; what there was no time for has no answer. */
export class QuestionRun {
  /** What was written down, by the names of the questions. */
  readonly exchanges: Partial<Record<ExchangeName, Exchange>> = {};
  /** Sessions that answers have begun. */
  readonly sessions: Set<string> = new Set();
  readonly #options: QuestionRunOptions;
  #until: number;

  constructor(options: QuestionRunOptions) {
    this.#options = options;
    this.#until = performance.now() + options.budget;
  }

  /** Asks in its turn, unless there is no time left. What was asked is waited for: an answer that is given up may have begun a session. */
  ask(question: NamedQuestion, extra: Partial<NamedQuestion> = {}): Promise<Asked | undefined> {
    const { peer, deadline, queue } = this.#options;
    return queue.run(async () => {
      if (performance.now() >= this.#until) return undefined;
      const asked = await exchange(peer, {
        ...this.#withCredential({ ...question, ...extra }),
        deadline: Math.min(question.deadline ?? deadline, deadline),
      });
      if (asked.sessionId !== undefined) this.sessions.add(asked.sessionId);
      return asked;
    });
  }

  askAll(questions: readonly NamedQuestion[]): Promise<readonly (Asked | undefined)[]> {
    return Promise.all(questions.map((question) => this.ask(question)));
  }

  /** Asks, and writes the answer down. */
  async note(question: NamedQuestion): Promise<Asked | undefined> {
    const asked = await this.ask(question);
    if (asked !== undefined) this.exchanges[question.name] = asked.exchange;
    return asked;
  }

  async noteAll(questions: readonly NamedQuestion[]): Promise<void> {
    await Promise.all(questions.map((question) => this.note(question)));
  }

  /** Asks at once, for up to `deadline` milliseconds: what the user asked to wait for takes nothing from the budget. */
  async askBesideBudget(question: NamedQuestion, deadline: number): Promise<Exchange> {
    const started = performance.now();
    const asked = await exchange(this.#options.peer, { ...this.#withCredential(question), deadline });
    this.#until += performance.now() - started;
    return asked.exchange;
  }

  /** What comes now has so many milliseconds, even where the budget is used up. */
  extend(milliseconds: number): void {
    this.#until = Math.max(this.#until, performance.now() + milliseconds);
  }

  #withCredential({ credential, name: _name, ...question }: NamedQuestion): Omit<Question, 'deadline'> {
    return credential
      ? { ...question, fields: { ...this.#options.credential, ...question.fields } }
      : question;
  }
}

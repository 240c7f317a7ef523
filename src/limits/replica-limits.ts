import { randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import type { LimitNews } from './limit-news.ts';
import type { Limits } from './limits.ts';
import {
  formatReplicaMessage,
  parseReplicaMessage,
  splitNews,
  splitSummary,
  type ReplicaContent,
  type ReplicaMessage,
} from './replica-message.ts';

/** Where replicas tell each other what they count. Messages may be lost, and come in the order in which one process sent them. */
export interface ReplicaChannel {
  /** Rejects when nobody can be told. */
  publish(message: string): Promise<void>;
  /** Calls with all that is published, its own messages too; returns how to stop. */
  listen(onMessage: (message: string) => void): () => void;
}

export interface ReplicaLimitsOptions {
  readonly channel: ReplicaChannel;
  readonly clock: Clock;
  /** Sixteen hexadecimal digits, the same for all workers of this gateway: they tell each other by other means. */
  readonly replica: string;
  /** The limits of the moment; `undefined` while there are none. */
  readonly limits: () => Limits | undefined;
  /** Told once for each outage: from here on the limits are those of this replica alone. */
  readonly onAlone: () => void;
  /** Told when they are shared again. */
  readonly onTogether: () => void;
}

export interface ReplicaLimits {
  /** Whether the other replicas cannot be told. */
  readonly isAlone: boolean;
  /** To be called some twenty times a second, with what was counted since. */
  tell(news: LimitNews | undefined): void;
  close(): void;
}

const BEAT_MILLISECONDS = 500;
/** While nobody is told, so that the end of an outage is found soon. */
const PROBE_MILLISECONDS = 250;
/** Without own messages coming back, the channel counts as broken. */
const ALONE_MILLISECONDS = 2000;
/** Members that are silent for so long are gone, and what ran there with them. */
const GONE_MILLISECONDS = 3000;
/** Between two summaries, whoever asks. */
const SUMMARY_MILLISECONDS = 250;
/** A pause of this process in which it could hear nobody. */
const STALL_MILLISECONDS = 500;
const MOST_MEMBERS = 1000;

interface OtherMember {
  sequence: number;
  heardAt: number;
}

/**
 * Shares limits between replicas as workers share them: each counts, and tells the others what it counted. Nothing is asked of anybody
 * on the way of a call. Who missed a message finds a gap in the numbers and asks for a summary; own messages come back as well, which
 * shows that the channel works from end to end.
 */
export function createReplicaLimits(options: ReplicaLimitsOptions): ReplicaLimits {
  const { channel, clock, replica } = options;
  const member = randomBytes(8).toString('hex');
  const members = new Map<string, OtherMember>();
  const toAsk = new Set<string>();
  let limits: Limits | undefined;
  let sequence = 0;
  let isAlone = false;
  let isAsked = false;
  let isSending = false;
  let toldAt = clock.monotonic();
  let heardOwnAt = toldAt;
  let sentAt = -Infinity;
  let summarisedAt = -Infinity;
  let unsent: LimitNews[] = [];

  const forget = (name: string): void => {
    members.delete(name);
    toAsk.delete(name);
    limits?.forget(name);
  };

  /** After a reload the new limits know of nobody, and nobody knows of theirs. */
  function follow(): void {
    const current = options.limits();
    if (current === limits) return;
    for (const name of members.keys()) forget(name);
    limits = current;
    unsent = [];
    isAsked = true;
    heardOwnAt = clock.monotonic();
  }

  /** A process that stood still heard nobody, which says nothing of the others. */
  function forgiveStall(now: number): void {
    const stalled = now - toldAt;
    toldAt = now;
    if (stalled < STALL_MILLISECONDS) return;
    heardOwnAt += stalled;
    for (const other of members.values()) other.heardAt += stalled;
  }

  function lookAround(now: number): void {
    for (const [name, { heardAt }] of members) if (now - heardAt > GONE_MILLISECONDS) forget(name);
    if (isAlone || now - heardOwnAt <= ALONE_MILLISECONDS) return;
    isAlone = true;
    options.onAlone();
  }

  function hear(text: string): void {
    if (limits === undefined) return;
    const message = parseReplicaMessage(text);
    if (message === undefined) return;
    if (message.member === member) hearOwn();
    else if (message.replica !== replica) hearOther(message, limits);
  }

  function hearOwn(): void {
    heardOwnAt = clock.monotonic();
    if (!isAlone) return;
    isAlone = false;
    isAsked = true;
    options.onTogether();
  }

  function hearOther(message: ReplicaMessage, own: Limits): void {
    const { member: name, sequence: number, content } = message;
    const other = members.get(name);
    const heardAt = clock.monotonic();
    if (other?.sequence === number - 1) {
      other.sequence = number;
      other.heardAt = heardAt;
    } else {
      if (other === undefined && members.size >= MOST_MEMBERS) return;
      own.forget(name);
      members.set(name, { sequence: number, heardAt });
      toAsk.add(name);
    }
    switch (content.kind) {
      case 'beat':
        return;
      case 'ask':
        isAsked ||= content.members.includes(member);
        return;
      case 'news':
        own.hear(name, content.news);
        return;
      case 'summary':
        if (content.isFirst) {
          own.forget(name);
          toAsk.delete(name);
        }
        own.hearSummary(name, content.summary);
    }
  }

  /** What is to be said now, in this order. */
  function gather(now: number, own: Limits): readonly ReplicaContent[] {
    if (isAlone) return now - sentAt < PROBE_MILLISECONDS ? [] : [{ kind: 'beat' }];
    const contents: ReplicaContent[] = [];
    for (const news of unsent)
      for (const part of splitNews(news)) contents.push({ kind: 'news', news: part });
    if (isAsked && now - summarisedAt >= SUMMARY_MILLISECONDS) {
      isAsked = false;
      summarisedAt = now;
      for (const [index, summary] of splitSummary(own.summarise()).entries())
        contents.push({ kind: 'summary', isFirst: index === 0, summary });
    }
    if (toAsk.size > 0) contents.push({ kind: 'ask', members: [...toAsk] });
    toAsk.clear();
    unsent = [];
    if (contents.length === 0 && now - sentAt >= BEAT_MILLISECONDS) contents.push({ kind: 'beat' });
    return contents;
  }

  async function send(contents: readonly ReplicaContent[]): Promise<void> {
    isSending = true;
    try {
      await Promise.all(
        contents.map((content) =>
          channel.publish(formatReplicaMessage({ replica, member, sequence: sequence++, content })),
        ),
      );
    } catch {
      // Whoever did not get it finds the gap; that nobody does shows in own messages that do not come back.
      isAsked = true;
    } finally {
      isSending = false;
    }
  }

  const stop = channel.listen(hear);
  return {
    get isAlone() {
      return isAlone;
    },
    tell(news) {
      follow();
      const now = clock.monotonic();
      forgiveStall(now);
      if (limits === undefined) return;
      lookAround(now);
      // What others missed is in the summary that they get when all is well again.
      if (news !== undefined && !isAlone) unsent.push(news);
      if (isSending) return;
      if (isAlone) unsent = [];
      const contents = gather(now, limits);
      if (contents.length === 0) return;
      sentAt = now;
      void send(contents);
    },
    close: stop,
  };
}

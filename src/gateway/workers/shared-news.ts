import type { LimitNews } from '../../limits/limit-news.ts';
import type { Announcement } from '../announced-paths.ts';
import type { SessionNews } from '../sessions/session-keeper.ts';

/** What a worker knows that the others have to know, too. */
export type SharedNews =
  | { readonly kind: 'limits'; readonly news: LimitNews }
  | ({ readonly kind: 'announced' } & Announcement)
  | { readonly kind: 'sessions'; readonly news: SessionNews };

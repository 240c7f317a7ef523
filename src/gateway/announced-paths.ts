const MAX_ANNOUNCED = 64;

export interface AnnouncedPath {
  /** Identity of the route whose upstream announced it. */
  readonly route: string;
  /** Path to which messages are forwarded. */
  readonly upstreamPath: string;
}

/** A public path, and what is behind it. */
export interface Announcement {
  readonly path: string;
  readonly announced: AnnouncedPath;
}

/**
 * Message endpoints that servers of the deprecated HTTP+SSE transport announced, by path, behind the host of their route where it has
 * one. They outlive a change of the configuration, as the streams do.
 */
export class AnnouncedPaths {
  readonly #paths = new Map<string, AnnouncedPath>();
  readonly #onOpen: (announcement: Announcement) => void;

  /** `onOpen`: told of each path that is opened here. */
  constructor(onOpen: (announcement: Announcement) => void = () => undefined) {
    this.#onOpen = onOpen;
  }

  /** Opens a public path; the one that was announced the longest ago goes when there are too many. */
  open(path: string, announced: AnnouncedPath): void {
    this.#onOpen({ path, announced });
    this.hear({ path, announced });
  }

  /** Opens a path that was announced to another worker. */
  hear({ path, announced }: Announcement): void {
    this.#paths.delete(path);
    this.#paths.set(path, announced);
    const [oldest] = this.#paths.keys();
    if (this.#paths.size > MAX_ANNOUNCED && oldest !== undefined) this.#paths.delete(oldest);
  }

  /** All of them, that which was announced the longest ago first. */
  list(): readonly Announcement[] {
    return Array.from(this.#paths, ([path, announced]) => ({ path, announced }));
  }

  find(path: string): AnnouncedPath | undefined {
    return this.#paths.get(path);
  }
}

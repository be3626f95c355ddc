/** What is known of the sources that an image is built from; whatever a runner does not tell is absent. */
export interface Source {
  /** `refs/heads/main`, `refs/tags/v1.2.3`, `refs/pull/12/merge` */
  readonly ref?: string;
  /** Full commit id. */
  readonly revision?: string;
  readonly pullRequest?: number;
  /** Where it can be read: `https://github.com/acme/shop`. */
  readonly url?: string;
  /** `shop` */
  readonly title?: string;
  readonly description?: string;
  /** SPDX identifier. */
  readonly license?: string;
  /** Milliseconds since 1970 of the commit, or as SOURCE_DATE_EPOCH says: the same for every build of it. */
  readonly createdAt?: number;
}

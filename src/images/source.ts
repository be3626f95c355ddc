/** What is known about the sources of an image; a field is absent where the runner does not provide it. */
export interface Source {
  /** `refs/heads/main`, `refs/tags/v1.2.3`, `refs/pull/12/merge` */
  readonly ref?: string;
  /** Full commit id. */
  readonly revision?: string;
  readonly pullRequest?: number;
  /** The address of the repository: `https://github.com/acme/shop`. */
  readonly url?: string;
  /** `shop` */
  readonly title?: string;
  readonly description?: string;
  /** SPDX identifier. */
  readonly license?: string;
  /** Time of the commit in milliseconds since 1970, or SOURCE_DATE_EPOCH: the same for every build of the commit. */
  readonly createdAt?: number;
}

import type { RequestOptions } from 'node:https';

/** Adds to a request what lets it in. */
export type Login = (options: RequestOptions) => Promise<void>;

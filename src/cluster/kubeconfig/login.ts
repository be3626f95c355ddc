import type { RequestOptions } from 'node:https';

/** Adds credentials to a request. */
export type Login = (options: RequestOptions) => Promise<void>;

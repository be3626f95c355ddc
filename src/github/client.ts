import { setTimeout as sleep } from 'node:timers/promises';
import { Octokit } from '@octokit/core';
import { EnvHttpProxyAgent, errors, fetch, Response } from 'undici';
import * as z from 'zod';
import { isSluiceError, SluiceError } from '../core/errors.ts';
import { stringifyJson } from '../core/json.ts';
import { firstLine } from '../core/text.ts';
import { answerTo, WHO } from './answers.ts';

export interface GitHubOptions {
  readonly token: string;
  /** `https://api.github.com`, or the API of a GitHub Enterprise Server. */
  readonly apiUrl: string;
  readonly owner: string;
  readonly repo: string;
  /** Aborts every request. */
  readonly signal: AbortSignal;
  /** Milliseconds for one request; default 10,000. */
  readonly attemptTimeout?: number;
  /** The longest wait for a rate limit, in milliseconds; default 60,000. */
  readonly longestWait?: number;
  /** Milliseconds before the first repetition, doubled for each further one; default 500. */
  readonly pause?: number;
}

/** The rights of a job's token, as `permissions:` of the workflow writes them: `deployments: write`. */
export type TokenRight =
  | 'deployments: write'
  | 'statuses: write'
  | 'pull-requests: write'
  | 'issues: write'
  | 'checks: read'
  | 'statuses: read'
  | 'deployments: read';

export interface GitHub {
  /** Typed by GitHub's OpenAPI description. */
  readonly request: Octokit['request'];
  readonly place: { readonly owner: string; readonly repo: string };
  /**
   * Calls `act`, and repeats it while GitHub is unavailable or asks to wait. An `act` that writes must first check whether
   * that was done already: the answer to an earlier attempt may have been lost.
   *
   * @param about the subject for the error: `deployment to production`
   * @throws SluiceError `forbidden` with the right that the job lacks, `not-found`, `invalid-input`, or `unreachable`
   */
  attempt<T>(about: string, right: TokenRight, act: () => Promise<T>): Promise<T>;
  /** The user of the token; undefined for the token of an app, which may not ask. Call it within an attempt. */
  login(): Promise<string | undefined>;
}

/** The largest answer, in bytes: a page has at most a hundred comments. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Repetitions after the first try. */
const REPETITIONS = 4;

/** A client for one repository. */
export function createGitHub(options: GitHubOptions): GitHub {
  const { token, apiUrl, owner, repo, signal, attemptTimeout = 10_000, longestWait = 60_000, pause = 500 } = options;
  // A runner behind a proxy names the proxy in its environment.
  const dispatcher = new EnvHttpProxyAgent({ maxResponseSize: MOST_BYTES });
  const octokit = new Octokit({
    auth: token,
    baseUrl: apiUrl,
    userAgent: 'sluice',
    request: {
      async fetch(url: string, request: Parameters<typeof fetch>[1]) {
        const limits = { dispatcher, signal: AbortSignal.any([signal, AbortSignal.timeout(attemptTimeout)]) };
        return await wholeAnswer(await fetch(url, { ...request, ...limits }), apiUrl);
      },
    },
    // Warnings about deprecations are for the developers of Sluice.
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  });

  // An answer that Octokit itself cannot read does not come from GitHub's API either.
  octokit.hook.error('request', (error) => {
    if (isSluiceError(error.cause)) throw error.cause;
    const isNamed = isSluiceError(error) || refusalOf(error) !== undefined;
    throw isNamed || signal.aborted ? error : somethingElse(apiUrl);
  });
  // Checks the fields that are read: the types would be trusted whatever answers in place of GitHub.
  octokit.hook.after('request', ({ data }, { method, url }) => {
    if (!answerTo(method, url).safeParse(data).success) throw somethingElse(apiUrl);
  });

  async function attempt<T>(about: string, right: TokenRight, act: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await act();
      } catch (error) {
        signal.throwIfAborted();
        const refusal = refusalOf(error);
        if (!refusal) throw error;
        const wait = waitAfter(refusal, pause * 2 ** tries);
        if (wait === undefined) throw explained(refusal, about, right, apiUrl);
        if (wait > longestWait) throw limited(about, wait);
        if (tries === REPETITIONS) throw away(refusal, about, apiUrl);
        await sleep(wait, undefined, { signal });
      }
    }
  }

  let asked: string | undefined | null = null;
  async function login(): Promise<string | undefined> {
    if (asked !== null) return asked;
    try {
      asked = (await octokit.request(`GET ${WHO}`)).data.login;
    } catch (error) {
      const refusal = refusalOf(error);
      // A refusal that may end, such as a rate limit, says nothing about the token.
      if (!refusal || ![403, 404].includes(refusal.status) || waitAfter(refusal, pause) !== undefined) throw error;
      asked = undefined;
    }
    return asked;
  }

  return { request: octokit.request, place: { owner, repo }, attempt, login };
}

/**
 * The answer with its body, which Octokit would take for an empty one where it cannot be read.
 *
 * @throws SluiceError `unsupported` for one that is too long
 */
async function wholeAnswer(response: Response, apiUrl: string): Promise<Response> {
  const { status, headers } = response;
  const body = await response.arrayBuffer().catch((error: unknown) => {
    if (!(error instanceof Error && error.cause instanceof errors.ResponseExceededMaxSizeError)) throw error;
    throw new SluiceError('unsupported', {
      about: `GitHub at ${apiUrl}`,
      problem: `answered with more than ${MOST_BYTES / 1024 / 1024} MiB, which is not read.`,
      next: 'See whether that is the address of the API, and whether a proxy answers in its place.',
      cause: error,
    });
  });
  // An answer of these kinds has no body, and may not be given one.
  return new Response(body.byteLength === 0 ? null : body, { status, headers });
}

function ignore(): void {
  // Octokit's log is not shown.
}

function somethingElse(apiUrl: string): SluiceError {
  return new SluiceError('unsupported', {
    about: `GitHub at ${apiUrl}`,
    problem: "answered something else than GitHub's API does.",
    next: 'See whether that is the address of the API, and whether a proxy answers in its place.',
  });
}

const requestError = z.object({
  name: z.literal('HttpError'),
  status: z.number(),
  message: z.string(),
  response: z
    .object({
      headers: z.record(z.string(), z.union([z.string(), z.number()]).optional()),
      data: z
        .object({ message: z.string().optional(), errors: z.array(z.unknown()).optional() })
        .optional()
        .catch(undefined),
    })
    .optional(),
});
type Refusal = z.infer<typeof requestError>;

/** Parses an error of Octokit; undefined for any other error. */
function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined;
  const { name, message } = error;
  return requestError.safeParse({ ...error, name, message }).data;
}

/**
 * Milliseconds after which the same request may succeed; undefined where it will not.
 * https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 */
function waitAfter({ status, message, response }: Refusal, pause: number): number | undefined {
  const headers = response?.headers ?? {};
  const isLimit =
    status === 429 ||
    (status === 403 &&
      (headers['retry-after'] !== undefined ||
        String(headers['x-ratelimit-remaining']) === '0' ||
        /secondary rate limit/i.test(message)));
  if (!isLimit) return status >= 500 ? pause : undefined;
  const asked = headers['retry-after'] === undefined ? undefined : Number(headers['retry-after']) * 1_000;
  const reset =
    String(headers['x-ratelimit-remaining']) === '0'
      ? Number(headers['x-ratelimit-reset']) * 1_000 - Date.now()
      : undefined;
  // GitHub asks for a wait of one minute where it gives no time.
  const wait = [asked, reset].find((time) => time !== undefined && !Number.isNaN(time)) ?? MINUTE;
  return Math.min(Math.max(asked === wait ? 0 : pause, wait), LATEST - Date.now());
}

const MINUTE = 60_000;
/** In milliseconds. A later time has no date with a year of four digits, and a much later one has no date at all. */
const LATEST = Date.UTC(9999, 0);

function explained({ status, message, response }: Refusal, about: string, right: TokenRight, apiUrl: string) {
  switch (status) {
    case 401:
      return new SluiceError('forbidden', {
        about,
        problem: `${apiUrl} does not accept the token (401).`,
        next: 'Leave "token" out to use the job\'s own, or give one that has not expired.',
      });
    case 403:
      return new SluiceError('forbidden', {
        about,
        problem: `the token lacks a right (403: ${firstLine(message)}).`,
        next: `Add to the job:\n${permissionsOf(response?.headers['x-accepted-github-permissions'], right)}\nPull requests from forks get a token that can only read.`,
      });
    case 404:
      return new SluiceError('not-found', {
        about,
        problem: 'does not exist, or the token may not see it (404).',
        next: `Check the input that names it, and that the job has:\n${permissionsOf(undefined, right)}`,
      });
    case 410:
      return new SluiceError('unsupported', {
        about,
        problem: `is not available in this repository (410: ${firstLine(message)}).`,
        next: 'Turn the feature on in the settings of the repository, or leave the input out.',
      });
    default:
      return new SluiceError('invalid-input', {
        about,
        problem: `was refused by GitHub (${status}: ${firstLine(message)}${errorsOf(response?.data?.errors)}).`,
        next: 'Correct the input that it names.',
      });
  }
}

/**
 * The missing rights, as `permissions:` of a workflow. The header lists alternatives, of which GitHub puts the narrowest
 * first.
 */
function permissionsOf(header: string | number | undefined, right: TokenRight): string {
  const [first = ''] = String(header ?? '').split(';');
  const named = first
    .split(',')
    .map((each) => each.trim().split('='))
    .flatMap(([name, level]) => (name && level ? [`${name.replaceAll('_', '-')}: ${level}`] : []));
  return `permissions:\n${(named.length > 0 ? named : [right]).map((line) => `  ${line}`).join('\n')}`;
}

function errorsOf(errors: readonly unknown[] = []): string {
  return errors.length === 0 ? '' : `; ${firstLine(stringifyJson(errors))}`;
}

function limited(about: string, wait: number): SluiceError {
  const until = new Date(Date.now() + wait).toISOString().slice(0, 16).replace('T', ' ');
  return new SluiceError('unreachable', {
    about,
    problem: `GitHub's rate limit is reached until ${until} UTC.`,
    next: 'Run this step again after that; the release itself is as its own step says.',
  });
}

function away({ status, message }: Refusal, about: string, apiUrl: string): SluiceError {
  return new SluiceError('unreachable', {
    about,
    problem: `${apiUrl} did not do it in ${REPETITIONS + 1} attempts (${status}: ${firstLine(message)}).`,
    next: 'See https://www.githubstatus.com, and run this step again.',
  });
}

import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { close, listen } from '../../lab/embedded/sockets.ts';

/**
 * The endpoints of GitHub's REST API that Sluice uses, with the documented bodies, limits, rights and refusals.
 * https://docs.github.com/en/rest, version 2022-11-28.
 */
const bodies = {
  deployment: z.strictObject({
    ref: z.string(),
    task: z.string().default('deploy'),
    auto_merge: z.boolean().default(true),
    required_contexts: z.array(z.string()).optional(),
    payload: z.union([z.record(z.string(), z.unknown()), z.string()]).default({}),
    environment: z.string().default('production'),
    description: z.string().nullish(),
    transient_environment: z.boolean().default(false),
    production_environment: z.boolean().optional(),
  }),
  deploymentStatus: z.strictObject({
    state: z.enum(['error', 'failure', 'inactive', 'in_progress', 'queued', 'pending', 'success']),
    log_url: z.string().default(''),
    description: z.string().max(140).default(''),
    environment: z.string().optional(),
    environment_url: z.string().default(''),
    auto_inactive: z.boolean().default(true),
  }),
  commitStatus: z.strictObject({
    state: z.enum(['error', 'failure', 'pending', 'success']),
    target_url: z.string().nullish(),
    description: z.string().max(140).nullish(),
    context: z.string().default('default'),
  }),
  comment: z.strictObject({ body: z.string().min(1).max(65_536) }),
  issue: z.strictObject({
    title: z.string().min(1),
    body: z.string().optional(),
    labels: z.array(z.string()).default([]),
    assignees: z.array(z.string()).default([]),
  }),
};

interface Comment {
  readonly id: number;
  readonly issue: number;
  body: string;
  readonly html_url: string;
  readonly user: Author;
}

/** Null for a deleted account. */
type Author = { readonly login: string; readonly type: 'Bot' | 'User' } | null;

interface Issue extends Omit<z.infer<typeof bodies.issue>, 'labels'> {
  readonly number: number;
  state: 'open' | 'closed';
  readonly labels: readonly { readonly name: string }[];
  readonly html_url: string;
  readonly user: Author;
}

type Deployment = z.infer<typeof bodies.deployment> & { readonly id: number; readonly sha: string };
type DeploymentStatus = z.infer<typeof bodies.deploymentStatus> & { readonly id: number; readonly deployment: number };
type CommitStatus = z.infer<typeof bodies.commitStatus> & { readonly id: number; readonly sha: string };

/** A fault in the next matching requests. */
export interface Fault {
  /** A pattern such as `POST /repos/acme/shop/deployments`. */
  readonly on: RegExp;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly message?: string;
  /** How many requests; default 1. */
  readonly times?: number;
  /** The request is carried out, but the answer is lost. */
  readonly afterwards?: boolean;
}

class Refused extends Error {
  readonly status: number;
  readonly body: object;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: object, headers: Readonly<Record<string, string>> = {}) {
    super(`HTTP ${status}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

const root = '/repos/acme/shop';
export const commit = 'de9f2c7fd25e1b3afad3e85a0bd17d9b100db4b3';
export const githubToken = 'ghs_16C7e42F292c6912E7710c838347Ae178B4a';

export type GitHubDouble = Awaited<ReturnType<typeof startGitHub>>;

interface GitHubOptions {
  readonly rights?: readonly string[];
  readonly login?: string;
  /** Knows every commit, as that of a repository which a test has just made. */
  readonly anyCommit?: boolean;
}

/** Repository acme/shop with one commit, from pull request 7. */
export async function startGitHub(options: GitHubOptions = {}) {
  // A job's token belongs to an app.
  const user: Author =
    options.login === undefined
      ? { login: 'github-actions[bot]', type: 'Bot' }
      : { login: options.login, type: 'User' };
  const rights = new Set(options.rights ?? ['deployments', 'statuses', 'pull_requests', 'issues']);
  const state = {
    deployments: [] as Deployment[],
    deploymentStatuses: [] as DeploymentStatus[],
    commitStatuses: [] as CommitStatus[],
    comments: [] as Comment[],
    issues: [] as Issue[],
  };
  const requests: string[] = [];
  const faults: { readonly fault: Fault; left: number }[] = [];
  let last = 100;
  const next = () => {
    last += 1;
    return last;
  };

  function need(...alternatives: string[]): void {
    if (alternatives.some((right) => rights.has(right))) return;
    throw new Refused(
      403,
      { message: 'Resource not accessible by integration', status: '403' },
      { 'x-accepted-github-permissions': alternatives.map((right) => `${right}=write`).join('; ') },
    );
  }

  function parse<S extends z.ZodType>(schema: S, body: unknown): z.infer<S> {
    const parsed = schema.safeParse(body);
    if (parsed.success) return parsed.data;
    const errors = parsed.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }));
    throw new Refused(422, { message: 'Validation Failed', errors });
  }

  function known(sha: string): string {
    if (sha === commit) return sha;
    throw new Refused(422, { message: `No commit found for SHA: ${sha}` });
  }

  /** Method and path → handler. Lists have the newest item first. */
  const routes: readonly [RegExp, (parts: readonly string[], body: unknown, query: URLSearchParams) => unknown][] = [
    [
      /^GET \/deployments$/,
      (_, __, query) => {
        need('deployments');
        const fits = ({ sha, environment }: Deployment) =>
          (query.get('sha') ?? sha) === sha && (query.get('environment') ?? environment) === environment;
        return paged(state.deployments.filter(fits).toReversed(), query);
      },
    ],
    [
      /^POST \/deployments$/,
      (_, body) => {
        need('deployments');
        const given = parse(bodies.deployment, body);
        if (given.ref !== commit && !options.anyCommit)
          throw new Refused(422, { message: `No ref found for: ${given.ref}` });
        // Without an empty list, every status of the commit must be a success.
        if (given.required_contexts === undefined && state.commitStatuses.some((one) => one.state !== 'success'))
          throw new Refused(409, { message: 'Conflict: Commit status checks failed' });
        const deployment = { ...given, id: next(), sha: given.ref };
        state.deployments.push(deployment);
        return deployment;
      },
    ],
    [
      /^GET \/deployments\/(\d+)\/statuses$/,
      ([id], _, query) => {
        need('deployments');
        return paged(state.deploymentStatuses.filter((one) => one.deployment === deploymentOf(id)).toReversed(), query);
      },
    ],
    [
      /^POST \/deployments\/(\d+)\/statuses$/,
      ([id], body) => {
        need('deployments');
        const status = { ...parse(bodies.deploymentStatus, body), id: next(), deployment: deploymentOf(id) };
        state.deploymentStatuses.push(status);
        return status;
      },
    ],
    [
      /^GET \/commits\/(\w+)\/statuses$/,
      ([sha = ''], _, query) => paged(state.commitStatuses.filter((one) => one.sha === known(sha)).toReversed(), query),
    ],
    [
      /^POST \/statuses\/(\w+)$/,
      ([sha = ''], body) => {
        need('statuses');
        const status = { ...parse(bodies.commitStatus, body), id: next(), sha: known(sha) };
        state.commitStatuses.push(status);
        return status;
      },
    ],
    [/^GET \/commits\/(\w+)\/pulls$/, ([sha = '']) => (known(sha) ? [{ number: 7, state: 'open' }] : [])],
    [
      /^GET \/user$/,
      () => {
        if (user.type === 'User') return user;
        throw new Refused(403, { message: 'Resource not accessible by integration' });
      },
    ],
    [
      /^GET \/issues\/(\d+)\/comments$/,
      ([issue], _, query) =>
        paged(
          state.comments.filter((one) => one.issue === Number(issue)),
          query,
        ),
    ],
    [
      /^POST \/issues\/(\d+)\/comments$/,
      ([issue], body) => {
        need('issues', 'pull_requests');
        const id = next();
        const comment = {
          ...parse(bodies.comment, body),
          id,
          issue: Number(issue),
          html_url: `https://github.com/c/${id}`,
          user,
        };
        state.comments.push(comment);
        return comment;
      },
    ],
    [
      /^PATCH \/issues\/comments\/(\d+)$/,
      ([id], body) => {
        need('issues', 'pull_requests');
        const comment = state.comments.find((one) => one.id === Number(id));
        if (!comment) throw new Refused(404, { message: 'Not Found' });
        Object.assign(comment, parse(bodies.comment, body));
        return comment;
      },
    ],
    [
      /^GET \/issues$/,
      (_, __, query) => {
        const labels = query.get('labels')?.split(',') ?? [];
        const fits = (issue: Issue) =>
          issue.state === (query.get('state') ?? 'open') &&
          labels.every((label) => issue.labels.some(({ name }) => name === label));
        return paged(state.issues.filter(fits).toReversed(), query);
      },
    ],
    [
      /^POST \/issues$/,
      (_, body) => {
        need('issues');
        const { labels, ...given } = parse(bodies.issue, body);
        const number = next();
        const html_url = `https://github.com/acme/shop/issues/${number}`;
        const issue: Issue = {
          ...given,
          number,
          state: 'open',
          labels: labels.map((name) => ({ name })),
          html_url,
          user,
        };
        state.issues.push(issue);
        return issue;
      },
    ],
  ];

  function deploymentOf(id: string | undefined): number {
    if (state.deployments.some((one) => one.id === Number(id))) return Number(id);
    throw new Refused(404, { message: 'Not Found' });
  }

  function carryOut(line: string, url: URL, body: unknown): unknown {
    for (const [pattern, act] of routes) {
      const found = pattern.exec(line.replace(root, ''));
      if (found) return act(found.slice(1), body, url.searchParams);
    }
    throw new Refused(404, { message: 'Not Found' });
  }

  async function answer(request: IncomingMessage): Promise<object> {
    const url = new URL(request.url ?? '', 'http://localhost');
    const line = `${request.method} ${url.pathname}`;
    const body = await text(request);
    requests.push(line.replace(root, ''));
    if (request.headers.authorization !== `token ${githubToken}`)
      throw new Refused(401, { message: 'Bad credentials' });
    const due = faults.find(({ fault, left }) => left > 0 && fault.on.test(line));
    if (due) due.left -= 1;
    const { status = 200, headers = {}, message = 'Server Error', afterwards = true } = due?.fault ?? {};
    if (due && !due.fault.afterwards) throw new Refused(status, { message }, headers);
    const result = carryOut(line, url, body === '' ? undefined : JSON.parse(body));
    if (due && afterwards) throw new Refused(status, { message }, headers);
    return { result, created: request.method === 'POST' };
  }

  const server = createServer((request, response) => {
    answer(request).then(
      (done) => {
        const { result, created } = z.object({ result: z.unknown(), created: z.boolean() }).parse(done);
        response.writeHead(created ? 201 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
      },
      (error: unknown) => {
        const { status, body, headers } =
          error instanceof Refused ? error : new Refused(500, { message: `the double failed: ${error}` });
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
      },
    );
  });
  const port = await listen(server, 0);
  return {
    url: `http://127.0.0.1:${port}`,
    ...state,
    /** The requests in order: `POST /deployments`. */
    requests,
    /** Makes the next matching requests fail. */
    fail(fault: Fault): void {
      faults.push({ fault, left: fault.times ?? 1 });
    },
    /** The states that a deployment was given, in order. */
    states: (id: number) => state.deploymentStatuses.filter((one) => one.deployment === id).map((one) => one.state),
    stop: () => close(server),
    [Symbol.asyncDispose]: () => close(server),
  };
}

function paged<T>(items: readonly T[], query: URLSearchParams): T[] {
  const size = Number(query.get('per_page') ?? 30);
  const page = Number(query.get('page') ?? 1);
  return items.slice((page - 1) * size, page * size);
}

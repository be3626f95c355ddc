import { excerpt } from '../core/text.ts';
import type { Source } from '../gates/ports.ts';
import type { Look, Sighting } from '../judge/looks/look.ts';
import type { GitHub } from './client.ts';

export interface GitHubQuestion {
  /** A commit, branch or tag. */
  readonly ref: string;
  /** Names of check runs and contexts of commit statuses that have to be successful. */
  readonly checks: readonly string[];
  /** The environment whose newest deployment has to be successful. */
  readonly environment: string | undefined;
}

/** How one check or deployment stands: good, seen to be bad, or not known. */
type Standing = { readonly is: 'good' } | { readonly is: 'bad' | 'unknown'; readonly text: string };

/** Conclusions that branch protection takes as passed: https://docs.github.com/en/rest/checks/runs */
const passed = ['success', 'neutral', 'skipped'];
const PAGE = 100;
/** Pages of check runs that are read: more checks than that are not known. */
const MOST_PAGES = 10;
const MOST_NAMED = 6;

/** Checks of a commit, and the newest deployment to an environment, as GitHub has them. */
export function gitHubSource(question: GitHubQuestion, client: (signal: AbortSignal) => GitHub): Source {
  const { checks, environment } = question;
  const ref = excerpt(question.ref, 100);
  const asked = [
    ...(checks.length > 0 ? [`${checks.join(', ')} of ${ref}`] : []),
    ...(environment === undefined ? [] : [`the newest deployment to ${environment}`]),
  ].join('; ');

  async function standings(signal: AbortSignal): Promise<Standing[]> {
    const github = client(signal);
    const known = checks.length === 0 ? new Map<string, Standing[]>() : await checksOf(github, question.ref);
    const names = [...known.keys()];
    return [
      ...checks.flatMap((name) => known.get(name) ?? [notReported(name, ref, names)]),
      ...(environment === undefined ? [] : [await deploymentTo(github, environment)]),
    ];
  }

  return {
    kind: 'github',
    asked: `${asked} (GitHub)`,
    permissions: [],
    lag: 0,

    async preflight(signal) {
      const all = await standings(signal);
      const good = all.filter(({ is }) => is === 'good').length;
      return { evidence: `${good} of ${all.length} are successful: ${asked}` };
    },

    async look(_, signal): Promise<Look> {
      const all = await standings(signal);
      const sightings: Sighting[] = all.flatMap((one) => (one.is === 'bad' ? [{ text: one.text }] : []));
      const unknown = all.flatMap((one) => (one.is === 'unknown' ? [one.text] : []));
      // What failed is known, whatever still runs.
      if (sightings.length === 0 && unknown.length > 0)
        return { kind: 'missing', reason: unknown.slice(0, MOST_NAMED).join('; ') };
      return { kind: 'sightings', sightings };
    },
  };
}

function notReported(name: string, ref: string, names: readonly string[]): Standing {
  const known = names.length === 0 ? 'nothing has' : `those that have are ${names.slice(0, MOST_NAMED).join(', ')}`;
  return { is: 'unknown', text: `${name} has not reported on ${ref}: ${known}` };
}

/** By their names; several apps may report by the same one. */
async function checksOf(github: GitHub, ref: string): Promise<Map<string, Standing[]>> {
  const found: (readonly [string, Standing])[] = [];
  const about = `checks of ${excerpt(ref, 100)}`;
  for (let page = 1; ; page += 1) {
    const { data } = await github.attempt(about, 'checks: read', () =>
      github.request('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', {
        ...github.place,
        ref,
        filter: 'latest',
        per_page: PAGE,
        page,
      }),
    );
    for (const { name, status, conclusion } of data.check_runs)
      found.push([excerpt(name, 100), standingOf(`check ${name}`, status === 'completed' ? conclusion : undefined)]);
    if (data.check_runs.length < PAGE || page === MOST_PAGES) break;
  }
  const { data } = await github.attempt(about, 'statuses: read', () =>
    github.request('GET /repos/{owner}/{repo}/commits/{ref}/status', { ...github.place, ref, per_page: PAGE }),
  );
  for (const { context, state } of data.statuses)
    found.push([excerpt(context, 100), standingOf(`status ${context}`, state === 'pending' ? undefined : state)]);
  return new Map(
    [...Map.groupBy(found, ([name]) => name)].map(([name, all]) => [name, all.map(([, standing]) => standing)]),
  );
}

/** @param conclusion undefined while it runs */
function standingOf(what: string, conclusion: string | null | undefined): Standing {
  const named = excerpt(what, 100);
  if (conclusion == null) return { is: 'unknown', text: `${named} has not ended yet` };
  return passed.includes(conclusion) ? { is: 'good' } : { is: 'bad', text: `${named}: ${excerpt(conclusion, 40)}` };
}

async function deploymentTo(github: GitHub, environment: string): Promise<Standing> {
  const about = `deployments to ${environment}`;
  const { data: deployments } = await github.attempt(about, 'deployments: read', () =>
    github.request('GET /repos/{owner}/{repo}/deployments', { ...github.place, environment, per_page: 1 }),
  );
  const [newest] = deployments;
  if (!newest) return { is: 'unknown', text: `nothing was deployed to ${environment}` };
  const { data: statuses } = await github.attempt(about, 'deployments: read', () =>
    github.request('GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
      ...github.place,
      deployment_id: Number(newest.id),
      per_page: 1,
    }),
  );
  const state = statuses[0]?.state;
  const what = `deployment ${newest.id} to ${environment}`;
  const runs = state === undefined || ['pending', 'queued', 'in_progress', 'waiting'].includes(state);
  return standingOf(what, runs ? undefined : state);
}

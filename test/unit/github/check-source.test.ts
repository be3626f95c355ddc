import { afterEach, describe, expect, it } from 'vitest';
import { gitHubSource } from '../../../src/github/check-source.ts';
import { createGitHub } from '../../../src/github/client.ts';
import { type Answer, type Asked, startAnswering } from '../../support/answering-server.ts';

const signal = new AbortController().signal;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

const run = (name: string, conclusion: string | null) => ({
  name,
  status: conclusion === null ? 'in_progress' : 'completed',
  conclusion,
});

interface State {
  readonly runs?: readonly object[];
  readonly statuses?: readonly object[];
  readonly deployments?: readonly object[];
  readonly state?: string;
}

function answerOf({ runs = [], statuses = [], deployments = [], state }: State, { path, parameters }: Asked): Answer {
  const page = Number(parameters.get('page') ?? 1);
  if (path.endsWith('/check-runs'))
    return { body: { total_count: runs.length, check_runs: runs.slice((page - 1) * 100, page * 100) } };
  if (path.endsWith('/status')) return { body: { total_count: statuses.length, statuses } };
  if (path.endsWith('/statuses')) return { body: state === undefined ? [] : [{ id: 1, state }] };
  return { body: deployments };
}

async function lookAt(
  answer: (asked: Asked) => Answer,
  question: { readonly checks?: readonly string[]; readonly environment?: string } = {},
) {
  const server = await startAnswering(answer);
  closing.push(server.stop);
  const place = { token: 't', apiUrl: server.address, owner: 'acme', repo: 'shop', pause: 1, longestWait: 1 };
  const asked = { ref: 'main', checks: ['build'], environment: undefined, ...question };
  const source = gitHubSource(asked, (during) => createGitHub({ ...place, signal: during }));
  return source.look({ from: 0, to: 0 }, signal);
}

const look = (state: State, question?: Parameters<typeof lookAt>[1]) =>
  lookAt((asked) => answerOf(state, asked), question);

describe('checks of a commit', () => {
  it.each([['success'], ['neutral'], ['skipped']])('that ended as %s are good', async (conclusion) => {
    expect(await look({ runs: [run('build', conclusion)] })).toEqual({ kind: 'sightings', sightings: [] });
  });

  it.each([['failure'], ['cancelled'], ['timed_out'], ['action_required'], ['stale']])(
    'that ended as %s are seen',
    async (conclusion) => {
      expect(await look({ runs: [run('build', conclusion)] })).toEqual({
        kind: 'sightings',
        sightings: [{ text: `check build: ${conclusion}` }],
      });
    },
  );

  it.each<[string, State, string]>([
    ['that run', { runs: [run('build', null)] }, 'check build has not ended yet'],
    [
      'that nobody reported',
      { runs: [run('lint', 'success')] },
      'build has not reported on main: those that have are lint',
    ],
    ['of a commit without any', {}, 'build has not reported on main: nothing has'],
    [
      'of a status that is pending',
      { statuses: [{ context: 'build', state: 'pending' }] },
      'status build has not ended yet',
    ],
  ])('%s are not known', async (_, state, reason) => {
    expect(await look(state)).toEqual({ kind: 'missing', reason });
  });

  it('that failed are seen, whatever still runs', async () => {
    const state = { runs: [run('build', null)], statuses: [{ context: 'scan', state: 'error' }] };
    expect(await look(state, { checks: ['build', 'scan'] })).toEqual({
      kind: 'sightings',
      sightings: [{ text: 'status scan: error' }],
    });
  });

  it('of one name are all taken, also from a second page', async () => {
    const many = Array.from({ length: 100 }, (_, index) => run(`other-${index}`, 'success'));
    const state = { runs: [run('build', 'success'), ...many, run('build', 'failure')] };
    expect(await look(state)).toMatchObject({ sightings: [{ text: 'check build: failure' }] });
  });
});

describe('the newest deployment', () => {
  const deployed = (state?: string) =>
    look({ deployments: [{ id: 7 }], ...(state !== undefined && { state }) }, { checks: [], environment: 'staging' });

  it.each<[string | undefined, object]>([
    ['success', { kind: 'sightings', sightings: [] }],
    ['failure', { kind: 'sightings', sightings: [{ text: 'deployment 7 to staging: failure' }] }],
    ['inactive', { kind: 'sightings', sightings: [{ text: 'deployment 7 to staging: inactive' }] }],
    ['in_progress', { kind: 'missing', reason: 'deployment 7 to staging has not ended yet' }],
    [undefined, { kind: 'missing', reason: 'deployment 7 to staging has not ended yet' }],
  ])('whose status is %s', async (state, expected) => {
    expect(await deployed(state)).toEqual(expected);
  });

  it('is not known where there is none', async () => {
    expect(await look({}, { checks: [], environment: 'staging' })).toEqual({
      kind: 'missing',
      reason: 'nothing was deployed to staging',
    });
  });
});

describe('what GitHub may answer instead', () => {
  it.each<[string, Answer]>([
    ['a token that is not accepted', { status: 401, body: { message: 'Bad credentials' } }],
    ['a right that is missing', { status: 403, body: { message: 'Resource not accessible by integration' } }],
    ['no such commit', { status: 422, body: { message: 'No commit found for SHA: main' } }],
    ['a page', { body: '<html>Log in</html>' }],
    ['an empty list', { body: [] }],
    ['an empty object', { body: {} }],
    ['another shape', { body: { total_count: 1, check_runs: [{ name: 1 }] } }],
    ['an outage', { status: 503, body: '' }],
  ])('is an error: %s', async (_, answer) => {
    await expect(lookAt(() => answer)).rejects.toMatchObject({ name: 'SluiceError' });
  });
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { documentedActions } from '../../../../scripts/actions.ts';
import { loadRelease } from '../../../../src/actions/release-parts/load-inputs.ts';
import { parseOutcomes, releaseReport, renderRelease } from '../../../../src/report/release.ts';

const root = join(import.meta.dirname, '../../../..');

const composite = z.object({
  inputs: z.record(z.string(), z.unknown()),
  runs: z.object({
    using: z.literal('composite'),
    steps: z.array(
      z.object({
        id: z.string(),
        if: z.string().optional(),
        uses: z.string(),
        with: z.record(z.string(), z.string()),
      }),
    ),
  }),
});

describe('the composite action', async () => {
  const text = await readFile(join(root, 'action.yml'), 'utf8');
  const { inputs, runs } = composite.parse(parse(text));
  const actionOf = (uses: string) => documentedActions.find(({ name }) => uses === `$/actions/${name}`);

  it('gives its parts inputs that they have, and asks them for outputs that they set', () => {
    for (const { id, uses, with: given } of runs.steps) {
      const known = actionOf(uses)?.inputs.map(({ name }) => name);
      for (const name of Object.keys(given)) expect(known, `${id}: ${name}`).toContain(name);
    }
    const asked = [...text.matchAll(/steps\.([\w-]+)\.outputs\.([\w-]+)/g)];
    expect(asked.length).toBeGreaterThan(10);
    for (const [, id, output = ''] of asked) {
      const part = runs.steps.find((step) => step.id === id);
      expect(Object.keys(actionOf(part?.uses ?? '')?.outputs ?? {}), `${id}`).toContain(output);
    }
  });

  it('ignores none of its inputs', () => {
    for (const name of Object.keys(inputs)) expect(text).toMatch(new RegExp(`: \\$\\{\\{.*inputs\\.${name}\\b`));
  });

  it('gives its first step all inputs that are no secrets', () => {
    const [begin] = runs.steps;
    const secrets = [
      'kubeconfig',
      'build-secrets',
      'reuse-secret',
      'registry-password',
      'prometheus-token',
      'connections',
    ];
    const open = Object.keys(inputs).filter((name) => !secrets.includes(name));
    expect(Object.keys(begin?.with ?? {}).toSorted()).toEqual(open.toSorted());
  });

  it('gives the build all that the build alone is about', () => {
    const build = runs.steps.find(({ id }) => id === 'build');
    const renamed = { secrets: 'build-secrets', username: 'registry-username', password: 'registry-password' };
    const handed = { context: 'build-context', ...renamed };
    const same = [
      'image',
      'file',
      'target',
      'platforms',
      'build-args',
      'reuse-secret',
      'cache',
      'sbom',
      'insecure-registries',
    ];
    expect(build?.with).toEqual(
      Object.fromEntries(
        [...Object.entries(handed), ...same.map((name) => [name, name] as const)].map(([name, ours]) => [
          name,
          `\${{ inputs.${ours} }}`,
        ]),
      ),
    );
  });

  it('asks a rollout that is gone on with for the same as when it was begun', () => {
    const of = (id: string) => runs.steps.find((step) => step.id === id)?.with ?? {};
    expect({ ...of('finish'), mode: 'shift' }).toEqual(of('shift'));
  });
});

const given = { release: 'checkout', image: 'ghcr.io/acme/checkout', chart: 'chart' };

describe('the inputs of a release', () => {
  it('name the parts as long as nothing else is said of them', () => {
    expect(loadRelease(given).parts).toMatchObject({
      canary: 'workload',
      workload: 'deployment/checkout',
      service: 'checkout',
      route: 'virtualservice/checkout',
      steps: '5 for 2m, 25 for 5m, 50 for 5m, 100',
    });
    const own = { canary: 'release', service: 'web:8080', route: 'httproute/web', 'plan-file': 'plan.yml' };
    expect(loadRelease({ ...given, ...own, metrics: 'http', workload: 'statefulset/web' }).parts).toMatchObject({
      canaryWorkload: 'statefulset/web-canary',
      canaryService: 'web-canary:8080',
      steps: '',
    });
  });

  it.each<[string, Readonly<Record<string, string>>, string[]]>([
    ['nothing', { release: '', image: '' }, ['"release" is needed', '"image" is needed']],
    ['a canary of no chart', { chart: '', canary: 'release' }, ['give "chart"']],
    ['nothing to release', { chart: '', canary: 'none' }, ['Nothing would be released']],
    ['a plan for no canary', { canary: 'none', steps: '5 for 1m, 100' }, ['"steps" would have no effect']],
    ['a build that is left out', { build: 'false', platforms: 'linux/amd64' }, ['"platforms" would have no effect']],
    ['values that only a canary release has', { 'canary-values': 'a: 1' }, ['"canary-values" would have no effect']],
    ['what a part refuses', { chart: 'oci://x/y', 'chart-repository': 'https://x' }, ['oci:// chart names its own']],
    ['what several parts refuse', { steps: '5 for', timeout: 'soon' }, ['"steps"', '"timeout"']],
    ['a workload that is none', { workload: 'checkout' }, ['names no workload']],
    ['unknown parts of an image', { 'image-values': 'image={name}' }, ['"{name}" stands for nothing']],
  ])('are refused together: %s', (_, inputs, words) => {
    const refused = () => loadRelease({ ...given, ...inputs });
    for (const word of words) expect(refused).toThrow(word);
    expect(refused).toThrow('docs/release.md');
  });
});

describe('the report of a release', () => {
  type Outcome = { readonly outcome: string; readonly outputs?: Readonly<Record<string, string>> };
  const success = (verdict = '', more = {}) => ({
    outcome: 'success',
    outputs: { verdict, reason: `it is ${verdict}`, ...more },
  });
  const failure = (verdict = '') => ({ outcome: 'failure', outputs: { verdict, reason: `it is ${verdict}` } });
  const skipped = { outcome: 'skipped', outputs: {} };
  const built = { outcome: 'success', outputs: { image: 'checkout@sha256:1', tags: 'checkout:1.2.3' } };
  const held = success('held', { passed: 'true' });
  const first = { outcome: 'success', outputs: { 'first-release': 'true', verdict: '' } };

  it.each<[string, Readonly<Record<string, Outcome>>, string]>([
    ['a promoted workload', { build: built, canary: success('promoted'), deploy: success('deployed') }, 'promoted'],
    ['a workload without Helm', { build: built, canary: success('promoted'), deploy: skipped }, 'promoted'],
    ['a canary that is worse', { build: built, canary: failure('rolled-back'), deploy: skipped }, 'rolled-back'],
    ['one that is frozen', { shift: failure('frozen'), beside: success('deployed') }, 'frozen'],
    ['no canary', { build: built, deploy: success('unchanged') }, 'unchanged'],
    ['a first release', { build: built, canary: first, deploy: success('deployed') }, 'deployed'],
    ['a first release of a whole chart', { build: built, 'undo-left': first, deploy: success('deployed') }, 'deployed'],
    ['a first release that fails', { build: built, canary: first, deploy: failure('failed') }, 'failed'],
    ['a failed build', { build: failure(), canary: skipped }, 'failed'],
    ['inputs that are refused', { begin: failure() }, 'failed'],
    ['a whole canary release', { shift: held, deploy: success('deployed'), finish: success('promoted') }, 'promoted'],
    [
      'a Helm release that is taken back',
      { shift: held, deploy: failure('rolled-back'), finish: skipped, undo: success('rolled-back') },
      'rolled-back',
    ],
    [
      'a route that could not be given back',
      { shift: held, deploy: failure('rolled-back'), undo: failure('frozen') },
      'failed',
    ],
    [
      'a job that is stopped before the deploy',
      { shift: held, deploy: skipped, undo: success('rolled-back') },
      'rolled-back',
    ],
    [
      'a release that does not get ready for the route',
      { shift: held, deploy: success('deployed'), finish: failure('held') },
      'held',
    ],
  ])('tells of %s', (_, steps, verdict) => {
    const report = releaseReport('checkout', parseOutcomes(JSON.stringify(steps)), new Map(), 0);
    expect(report.verdict).toBe(verdict);
    expect(report.reason).not.toBe('');
    const ran = Object.values(steps).filter(({ outcome }) => outcome !== 'skipped');
    expect(report.parts).toHaveLength(ran.length);
    expect(renderRelease(report)).toContain(`## Release checkout: ${verdict}`);
  });

  it('is headed by the versions and the commit, where they are known', () => {
    const steps = {
      build: built,
      canary: success('promoted', { versions: '1.0.0 → 1.1.0' }),
      deploy: success('deployed'),
    };
    const report = releaseReport('checkout', parseOutcomes(JSON.stringify(steps)), new Map(), 0);
    const commit = '5f70bf18a086007016e948b04aed3b82103a36be';
    const [heading] = renderRelease({ ...report, commit }).split('\n');
    expect(heading).toBe('## Release checkout 1.0.0 → 1.1.0 (commit 5f70bf1): promoted');
  });

  it('says of a first release that there was nothing to compare with', () => {
    const steps = { build: built, canary: first, deploy: success('deployed') };
    const report = releaseReport('checkout', parseOutcomes(JSON.stringify(steps)), new Map(), 0);
    expect(renderRelease(report)).toContain(
      'first release: nothing served yet, so there was nothing to compare it with',
    );
  });

  it('holds the reports of its parts and what they came to', () => {
    const steps = { build: built, canary: success('promoted'), deploy: success('deployed', { revision: '7' }) };
    const reports = new Map([['canary', { schema: 1 }]]);
    const report = releaseReport('checkout', parseOutcomes(JSON.stringify(steps)), reports, 0);
    expect(report).toMatchObject({ image: 'checkout@sha256:1', revision: '7', reason: 'it is promoted' });
    expect(report.parts.find(({ name }) => name === 'canary')?.report).toEqual({ schema: 1 });
    expect(renderRelease(report)).toContain('checkout:1.2.3');
  });
});

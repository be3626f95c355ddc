import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import * as z from 'zod';
import { documentedActions } from '../../../scripts/actions.ts';
import { canaryOutputs } from '../../../src/actions/canary/outputs.ts';
import {
  actionFiles,
  ownWorkflows,
  readmes,
  snippets,
  starters,
  type Use,
  usesIn,
  workflowOf,
} from '../../support/workflow-files.ts';

const files = [...(await ownWorkflows()), ...(await starters()), ...(await actionFiles()), ...(await readmes())];
const uses = files.flatMap(usesIn);

/** This repository: at the running commit from within, by its version from elsewhere. */
const isOurs = ({ uses: used }: Use) => /^(\$\/|\.\/|OWNER\/sluice(\/\S+)?@v1$)/.test(used);

describe('Every action of other people', () => {
  it('is pinned by the SHA of a commit, with its version behind it', () => {
    const foreign = uses.filter((use) => !isOurs(use));
    expect(foreign.length).toBeGreaterThan(0);
    const loose = foreign.filter(
      ({ uses: used, comment }) =>
        !/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/.test(used) || !/^v\d+(\.\d+){1,2}$/.test(comment),
    );
    expect(loose).toEqual([]);
  });

  it('has one SHA for one version, everywhere', () => {
    const versions = new Map<string, Set<string>>();
    for (const { uses: used, comment } of uses.filter((use) => !isOurs(use))) {
      const [name = '', sha = ''] = used.split('@');
      const key = `${name} ${comment}`;
      versions.set(key, (versions.get(key) ?? new Set()).add(sha));
    }
    expect([...versions].filter(([, shas]) => shas.size > 1)).toEqual([]);
  });
});

const properties = z.strictObject({
  name: z.string().min(1),
  description: z.string().min(1),
  // https://github.com/actions/starter-workflows: an SVG of its `icons` folder, or an octicon.
  iconName: z.string().regex(/^octicon [a-z-]+$/),
  categories: z.array(z.string()).min(1),
});

describe('Starter workflows', async () => {
  it.each((await starters()).map(({ path }) => path))('%s has the properties that GitHub shows', async (path) => {
    const file = join(import.meta.dirname, '../../..', path.replace('workflows/', 'workflows/properties/'));
    const text = await readFile(file.replace('.yml', '.properties.json'), 'utf8');
    const { categories } = properties.parse(JSON.parse(text));
    expect(categories).toContain('Deployment');
  });
});

const permissions = z.record(z.string(), z.enum(['read', 'write']));
type Permissions = z.infer<typeof permissions>;
const workflowFile = z.looseObject({
  permissions: permissions.optional(),
  jobs: z.record(z.string(), z.looseObject({ uses: z.string().optional(), permissions: permissions.optional() })),
});

/** Rights that a called workflow asks for and its caller does not grant: GitHub ends the run before its first job then. */
async function refusedRights(called: string, granted: Permissions): Promise<string[]> {
  const file = (await ownWorkflows()).find(({ path }) => path === `.github/workflows/${called}`);
  const workflow = workflowFile.parse(parse(file?.text ?? ''));
  return Object.entries(workflow.jobs).flatMap(([job, own]) => {
    // A job that says nothing, in a workflow that says nothing, runs with what the caller grants.
    const asked = own.permissions ?? workflow.permissions ?? {};
    const refused = Object.entries(asked).filter(([right, level]) => ![level, 'write'].includes(granted[right] ?? ''));
    return refused.map(([right, level]) => `${job}: ${right}: ${level}`);
  });
}

describe('Reusable workflows', async () => {
  const whole = [
    ...(await starters()),
    ...(await snippets()).map(({ path, workflow = '' }) => ({ path, text: workflow })),
  ];
  const calls = whole.flatMap(({ path, text }) => {
    const { data } = workflowFile.safeParse(parse(text));
    return Object.values(data?.jobs ?? {}).flatMap(({ uses: used = '', permissions: granted }) => {
      const [, called] = /^OWNER\/sluice\/\.github\/workflows\/(.+)@v1$/.exec(used) ?? [];
      return called === undefined ? [] : [{ path, called, granted: granted ?? data?.permissions ?? {} }];
    });
  });

  it.each(calls)('$called asks for no more than its caller $path grants', async ({ called, granted }) => {
    expect(await refusedRights(called, granted)).toEqual([]);
  });

  it('release.yml can be called without the rights to tell GitHub of it', async () => {
    expect(await refusedRights('release.yml', { contents: 'read', packages: 'write' })).toEqual([]);
    expect(await refusedRights('release.yml', { contents: 'read' })).toEqual(['build: packages: write']);
  });
});

const calledSecrets = z.looseObject({
  on: z.looseObject({ workflow_call: z.looseObject({ secrets: z.record(z.string(), z.unknown()) }) }),
});
const givenSecrets = z.looseObject({
  jobs: z.looseObject({ release: z.looseObject({ secrets: z.record(z.string(), z.string()) }) }),
});

describe('The secrets of release.yml', async () => {
  const text = async (path: string) => readFile(join(import.meta.dirname, '../../..', path), 'utf8');
  const [called, starter] = [await text('.github/workflows/release.yml'), await text('workflows/release.yml')];
  const declared = Object.keys(calledSecrets.parse(parse(called)).on.workflow_call.secrets);

  it('are those of registry, cluster and reuse, and each is handed on', () => {
    expect(declared).toEqual(['kubeconfig', 'registry-password', 'reuse-secret']);
    for (const name of declared) expect(called).toMatch(new RegExp(`: \\$\\{\\{ secrets\\.${name}\\b`));
  });

  it('are given by the starter', () => {
    expect(Object.keys(givenSecrets.parse(parse(starter)).jobs.release.secrets)).toEqual(declared);
  });
});

const tellingJobs = z.looseObject({
  jobs: z.looseObject({
    canary: z.looseObject({ outputs: z.record(z.string(), z.string()) }),
    end: z.looseObject({ steps: z.tuple([z.looseObject({ with: z.record(z.string(), z.string()) })]) }),
  }),
});

describe('The last job of release.yml', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../.github/workflows/release.yml'), 'utf8');
  const { canary, end } = tellingJobs.parse(parse(text)).jobs;

  it('tells GitHub of what the canary found, the versions too, without its report', () => {
    const step = (name: string) => `\${{ steps.canary.outputs.${name} }}`;
    const { 'report-url': page, ...ofCanary } = canary.outputs;
    expect(ofCanary).toEqual(Object.fromEntries(['verdict', 'reason', 'versions'].map((name) => [name, step(name)])));
    expect(page).toBe(`\${{ steps.page.outputs.artifact-url }}`);
    const [{ with: told }] = end.steps;
    for (const name of ['verdict', 'versions', 'report-url'])
      expect(told[name]).toBe(`\${{ needs.canary.outputs.${name} }}`);
    const known = documentedActions.find(({ name }) => name === 'deployment-status')?.inputs.map(({ name }) => name);
    for (const name of Object.keys(told)) expect(known).toContain(name);
    for (const name of Object.keys(ofCanary)) expect(canaryOutputs).toHaveProperty([name]);
  });
});

const anyPermissions = z.union([z.string(), z.record(z.string(), z.string())]).optional();
const workflowJobs = z.looseObject({
  permissions: anyPermissions,
  jobs: z.record(
    z.string(),
    z.looseObject({
      permissions: anyPermissions,
      steps: z.array(z.looseObject({ uses: z.string().optional() })).default([]),
    }),
  ),
});

describe('A job that checks out the repository', async () => {
  const copied = (await snippets()).flatMap(({ path, workflow }) =>
    workflow === undefined ? [] : [{ path, text: workflow }],
  );
  const workflows = [...(await ownWorkflows()), ...(await starters()), ...copied];
  const jobs = workflows.flatMap(({ path, text }) => {
    const workflow = workflowJobs.parse(parse(text));
    return Object.entries(workflow.jobs)
      .filter(([, { steps }]) => steps.some(({ uses: used }) => used?.startsWith('actions/checkout@')))
      .map(([name, job]) => ({ place: `${path}: ${name}`, granted: job.permissions ?? workflow.permissions }));
  });

  it('may read its contents wherever permissions are named, as all others are taken away then', () => {
    expect(jobs.length).toBeGreaterThan(10);
    const without = jobs.filter(({ granted }) =>
      typeof granted === 'string'
        ? !granted.endsWith('-all')
        : granted && granted.contents !== 'read' && granted.contents !== 'write',
    );
    expect(without.map(({ place }) => place)).toEqual([]);
  });
});

describe('YAML in READMEs', async () => {
  it.each((await snippets()).map(({ path, text }) => [path, text] as const))('%s is YAML', (_, text) => {
    expect(parseAllDocuments(text).flatMap(({ errors }) => errors)).toEqual([]);
  });
});

describe('workflowOf', () => {
  it.each([
    ['a workflow', 'on: push\njobs: {}\n', /^on: push\njobs: \{\}\n$/],
    ['jobs', 'jobs:\n  a: {}\n', /^on: push\njobs:\n {2}a/],
    ['a job', '  a:\n    runs-on: x\n', /jobs:\n {2}a:/],
    ['steps', '      - run: true\n', /steps:\n {6}- run/],
    ['inputs', '          route: x\n', /actions\/canary@v1\n {8}with:\n {10}route/],
  ])('completes %s', (_, block, whole) => {
    expect(workflowOf(block, 'canary')).toMatch(whole);
  });

  it('leaves out what belongs to no workflow, and refuses what it does not know', () => {
    expect(workflowOf('apiVersion: v1\n')).toBeUndefined();
    expect(() => workflowOf('something: else\n')).toThrow('something: else');
  });
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import {
  actionFiles,
  ownWorkflows,
  readmes,
  snippets,
  starters,
  type Use,
  usesIn,
  workflowOf,
} from '../support/workflow-files.ts';

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
    const file = join(import.meta.dirname, '../..', path.replace('workflows/', 'workflows/properties/'));
    const text = await readFile(file.replace('.yml', '.properties.json'), 'utf8');
    const { categories } = properties.parse(JSON.parse(text));
    expect(categories).toContain('Deployment');
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

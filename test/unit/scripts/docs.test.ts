import { glob, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { documentedActions } from '../../../scripts/actions.ts';
import { filesOf, rendered, withPart } from '../../../scripts/docs.ts';

const actions = join(import.meta.dirname, '../../../actions');
const entries = await Array.fromAsync(glob('*/post.ts', { cwd: join(actions, '../src/actions') }));
const actionSchema = z.object({
  inputs: z.record(z.string(), z.strictObject({ description: z.string(), default: z.string().optional() })),
  outputs: z.record(z.string(), z.strictObject({ description: z.string(), value: z.string().optional() })),
  runs: z.looseObject({ using: z.string() }),
});

it('every action is documented', async () => {
  expect(documentedActions.map(({ name }) => name).toSorted()).toEqual(['', ...(await readdir(actions))].toSorted());
});

describe.each(documentedActions)('$name', async (documented) => {
  const { name, inputs, outputs, groups } = documented;
  const files = filesOf(documented);
  const action = actionSchema.parse(parse(await readFile(files.yaml, 'utf8')));
  const readme = await readFile(files.readme, 'utf8');

  /** First cells of the rows of all tables below a heading. */
  function namesBelow(heading: string): string[] {
    const section = readme.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
    return [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].flatMap(([, cell]) => cell ?? []);
  }

  it('declares the inputs of the schema with their defaults, and no others', () => {
    const declared = Object.entries(action.inputs).map(([input, { default: byDefault }]) => [input, byDefault]);
    expect(declared).toEqual(inputs.map((input) => [input.name, input.default]));
  });

  it('has no expressions in its descriptions, which the runner refuses', () => {
    const described = [...Object.values(action.inputs), ...Object.values(action.outputs)];
    for (const { description } of described) expect(description).not.toContain('${{');
  });

  it('declares the outputs that are set, and no others', () => {
    expect(Object.keys(action.outputs)).toEqual(Object.keys(outputs));
  });

  it.skipIf(name === '')('runs the post step also when the job is cancelled', () => {
    const post = { post: `../../dist/${name}/post.js`, 'post-if': 'always()' };
    expect(action.runs).toEqual({
      using: 'node24',
      main: `../../dist/${name}/index.js`,
      ...(entries.includes(`${name}/post.ts`) && post),
    });
  });

  it('has a row in its README for every input and every output', () => {
    expect(namesBelow('Inputs').toSorted()).toEqual(Object.keys(action.inputs).toSorted());
    expect(namesBelow('Outputs')).toEqual(Object.keys(action.outputs));
  });

  it('has a table for every input', () => {
    for (const { group } of inputs) expect(Object.keys(groups)).toContain(group);
  });

  it('uses no input in its README that does not exist', () => {
    const yaml = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block]) => block ?? '');
    const used = name === '' ? 'OWNER/sluice@' : `actions/${name}@`;
    const steps = yaml.flatMap((block) => block.split(/^ {6}- /m)).filter((step) => step.includes(used));
    const withs = steps.flatMap((step) => [...step.matchAll(/^ {10}([a-z-]+):/gm)]).map(([, input]) => input);
    // It is only used by the action in the root.
    if (name !== 'release-parts') expect(withs.length).toBeGreaterThan(0);
    for (const input of withs) expect(Object.keys(action.inputs)).toContain(input);
  });

  it.each(inputs.filter(({ example }) => !example.includes('${{')))(
    'accepts the example of $name',
    ({ type, example }) => {
      const result = type.safeParse(example);
      expect(result.error?.issues.map(({ message }) => message) ?? []).toEqual([]);
    },
  );
});

describe('the written parts', () => {
  it('are what the lists say', async () => {
    for (const { path, found, wanted } of await rendered()) expect([path, found]).toEqual([path, wanted]);
  });
});

describe('withPart', () => {
  it('replaces what stands between the markers', () => {
    expect(withPart('a <x> old </x> b', '<x>', '</x>', 'new')).toBe('a <x>\nnew\n</x> b');
  });

  it('refuses a text without them', () => {
    expect(() => withPart('a', '<x>', '</x>', 'new')).toThrow('markers');
  });
});

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { rendered, withPart } from '../../scripts/docs.ts';
import { canaryInputs, inputList } from '../../src/runner/inputs.ts';
import { canaryOutputs } from '../../src/runner/outputs.ts';

const folder = join(import.meta.dirname, '../../actions/canary');
const actionSchema = z.object({
  inputs: z.record(z.string(), z.strictObject({ description: z.string(), default: z.string().optional() })),
  outputs: z.record(z.string(), z.strictObject({ description: z.string() })),
  runs: z.object({ using: z.string(), main: z.string(), post: z.string(), 'post-if': z.string() }),
});
const action = actionSchema.parse(parse(await readFile(join(folder, 'action.yml'), 'utf8')));
const readme = await readFile(join(folder, 'README.md'), 'utf8');

/** First cells of the rows of all tables below a heading. */
function namesBelow(heading: string): string[] {
  const section = readme.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  return [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].flatMap(([, name]) => name ?? []);
}

describe('action.yml', () => {
  it('declares the inputs of the schema, and no others', () => {
    expect(Object.keys(action.inputs)).toEqual(Object.keys(canaryInputs.shape));
  });

  it('has the defaults that the schema takes for an empty input', () => {
    for (const { name, default: byDefault } of inputList)
      expect([name, action.inputs[name]?.default]).toEqual([name, byDefault]);
  });

  it('declares the outputs that are set, and no others', () => {
    expect(Object.keys(action.outputs)).toEqual(Object.keys(canaryOutputs));
  });

  it('runs the post step also when the job is cancelled', () => {
    expect(action.runs).toEqual({
      using: 'node24',
      main: '../../dist/canary/index.js',
      post: '../../dist/canary/post.js',
      'post-if': 'always()',
    });
  });
});

describe('the README of the action', () => {
  it('has a row for every input and every output', () => {
    expect(namesBelow('Inputs').toSorted()).toEqual(Object.keys(action.inputs).toSorted());
    expect(namesBelow('Outputs')).toEqual(Object.keys(action.outputs));
  });

  it('is what the lists say, as action.yml is', async () => {
    for (const { path, found, wanted } of await rendered()) expect([path, found]).toEqual([path, wanted]);
  });

  it('names no input that does not exist', () => {
    const yaml = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block]) => block ?? '');
    const withs = yaml.flatMap((block) => [...block.matchAll(/^ {10}([a-z-]+):/gm)]).map(([, name]) => name);
    expect(withs.length).toBeGreaterThan(10);
    for (const name of withs) expect(Object.keys(action.inputs)).toContain(name);
  });
});

describe('every input', () => {
  it.each(inputList.filter(({ example }) => !example.includes('${{')))(
    'accepts its own example: $name',
    ({ name, example }) => {
      const others = Object.fromEntries(inputList.map((input) => [input.name, '']));
      const result = canaryInputs.safeParse({ ...others, [name]: example });
      expect(result.error?.issues.map(({ message }) => message) ?? []).toEqual([]);
    },
  );
});

describe('withPart', () => {
  it('replaces what stands between the markers', () => {
    expect(withPart('a <x> old </x> b', '<x>', '</x>', 'new')).toBe('a <x>\nnew\n</x> b');
  });

  it('refuses a text without them', () => {
    expect(() => withPart('a', '<x>', '</x>', 'new')).toThrow('markers');
  });
});

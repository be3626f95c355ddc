import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { structureProblems } from '../support/structure.ts';

const src = join(import.meta.dirname, '../../src');
const files = await Array.fromAsync(glob('**/*.ts', { cwd: src }));
const sources = new Map(
  await Promise.all(files.map(async (file) => [file, await readFile(join(src, file), 'utf8')] as const)),
);

it('arrows go down, without circles, and nothing is too large', () => {
  expect(sources.size).toBeGreaterThan(200);
  expect(structureProblems(sources)).toEqual([]);
});

const long = (lines: number) => `${'const one = 1;\n'.repeat(lines)}`;

it.each<[string, Record<string, string>, string]>([
  ['an import upward', { 'core/a.ts': "import { b } from '../judge/b.ts';\n" }, 'core/a.ts imports judge/b.ts'],
  [
    'what an adapter takes of a use case but types of its ports',
    { 'routes/a.ts': "import { type B, c } from '../canary/ports.ts';\n" },
    'routes/a.ts imports canary/ports.ts',
  ],
  ['a module that is loaded later', { 'cluster/a.ts': "await import('../canary/b.ts');\n" }, 'canary/b.ts'],
  [
    'two folders that need each other',
    { 'meters/a.ts': "import { b } from './x/b.ts';\n", 'meters/x/b.ts': "import type { C } from '../a.ts';\n" },
    'meters/x is in a circle',
  ],
  ['a folder of a new kind', { 'helpers/a.ts': '' }, 'helpers has no layer'],
  ['a long file', { 'core/a.ts': long(301) }, 'core/a.ts has 301 lines'],
  [
    'a long folder',
    Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`core/${index}.ts`, long(290)])),
    'core has 3190 lines',
  ],
  [
    'a full folder',
    Object.fromEntries(Array.from({ length: 26 }, (_, index) => [`core/${index}.ts`, ''])),
    'core has 26 files',
  ],
  ['a long function', { 'core/a.ts': `export function run() {\n${long(59)}}\n` }, 'run in core/a.ts has 61 lines'],
  [
    'a long factory',
    { 'core/a.ts': `export function create() {\n${long(118)}  return {\n  };\n}\n` },
    'create in core/a.ts has 122 lines',
  ],
  [
    'a function with many parameters',
    { 'core/a.ts': 'const one = 1;\nexport function run(a: 1, b: 2, c: 3, d: 4, e: 5) {}\n' },
    'the function in line 2 of core/a.ts has 5 parameters',
  ],
  [
    'a port with many parameters',
    { 'core/a.ts': 'interface A {\n  run(a: 1, b: 2, c: 3, d: 4, e?: 5): void;\n}\n' },
    'the function in line 2 of core/a.ts has 5 parameters',
  ],
  [
    'a callback with many parameters',
    { 'core/a.ts': 'const run = (a: 1, b: 2, c: 3, d: 4, ...e: 5[]) => a;\n' },
    'the function in line 1 of core/a.ts has 5 parameters',
  ],
])('%s is found', (_, planted, problem) => {
  const problems = structureProblems(new Map(Object.entries(planted)));
  expect(problems).toEqual(expect.arrayContaining([expect.stringContaining(problem)]));
});

it('types of ports may be implemented from below', () => {
  const adapter = "import type { Router } from '../canary/ports.ts';\nimport { type Arm } from '../canary/ports.ts';\n";
  expect(structureProblems(new Map([['routes/a.ts', adapter]]))).toEqual([]);
});

it('what others wrote is read in one place each, which quotes nothing of it', () => {
  const found = (call: RegExp) => [...sources].flatMap(([file, text]) => (call.test(text) ? [file] : [])).toSorted();
  // A state of our own: `post` has to start without a library of schemas.
  expect(found(/\bJSON\.parse\(/)).toEqual(['core/json.ts', 'runner/unfinished.ts']);
  expect(found(/\bparse(?:All)?Documents?\(|\bnew Composer\(/)).toEqual(['core/yaml-value.ts']);
  expect(found(/\bexeca\(|\bspawn\(|\bexec(?:File)?\(\w+,/)).toEqual(['core/process.ts']);
});

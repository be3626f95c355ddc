import { glob, readFile, stat } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { formatDuration } from '../../core/duration.ts';
import { SluiceError } from '../../core/errors.ts';
import { type GivenInputs, inputRefusal } from '../../runner/parse-inputs.ts';
import { checkKinds, type GateCheckInput, gateChecks } from '../checks/kinds/index.ts';
import type { Unsayable } from './objectives/findings.ts';
import { type ObjectiveFile, readObjectives } from './objectives/read.ts';

/** What the documents of a user add to the inputs. */
export interface LoadedObjectives {
  readonly checks: readonly GateCheckInput[];
  /** The checks as the user could write them: a YAML list. */
  readonly written: string;
  readonly remarks: readonly string[];
  readonly leftOut: readonly Unsayable[];
}

/** The inputs that objectives concern. */
interface ObjectiveInputs {
  readonly objectives?: readonly string[] | undefined;
  readonly 'objectives-values'?: ReadonlyMap<string, string> | undefined;
  readonly 'objectives-accept'?: readonly string[] | undefined;
  readonly 'objectives-compared-with'?: 'stable' | { readonly before: string } | undefined;
  readonly namespace?: string | undefined;
  readonly checks?: readonly GateCheckInput[] | undefined;
  readonly window: number;
  readonly watch: number;
  readonly interval: number;
  readonly require: 'all' | 'any' | 'score';
  readonly 'pass-score': number;
  readonly 'warn-score': number;
}

/**
 * Adds to the inputs what the files of `objectives` say.
 *
 * @param given the inputs as texts: what a user gives counts before what a file says, or contradicts it
 * @throws SluiceError `invalid-input` for files that are not there, and for all that can't be read or said
 */
export async function withObjectives<Inputs extends ObjectiveInputs>(
  inputs: Inputs,
  given: GivenInputs,
  workspace: string,
): Promise<{ readonly inputs: Inputs; readonly objectives: LoadedObjectives | undefined }> {
  if (inputs.objectives === undefined) {
    const idle = (['objectives-values', 'objectives-accept', 'objectives-compared-with'] as const).find(
      (name) => inputs[name] !== undefined,
    );
    if (idle !== undefined) throw inputRefusal([`"${idle}" has no effect without "objectives".`], 'gate');
    return { inputs, objectives: undefined };
  }
  const isGiven = (name: string) => (given[name] ?? '').trim() !== '';
  const { namespace, 'objectives-compared-with': comparedWith } = inputs;
  const read = readObjectives(
    await filesOf(inputs.objectives, workspace),
    {
      values: new Map([
        ...(namespace === undefined ? [] : [['namespace', namespace] as const]),
        ...(inputs['objectives-values'] ?? []),
      ]),
      window: inputs.window,
      kinds: new Set(checkKinds.map(({ kind }) => kind)),
      isTimed: isGiven('watch'),
      ...(comparedWith !== undefined && { comparedWith }),
    },
    inputs['objectives-accept'],
  );
  const problems: string[] = [];
  const parsed = gateChecks.schema.safeParse(read.written);
  if (!parsed.success)
    problems.push(...parsed.error.issues.map(({ message }) => `The checks that "objectives" became: ${message}`));
  const own = inputs.checks ?? [];
  const taken = (parsed.data ?? []).filter(({ name }) => own.some((one) => one.name === name)).map(({ name }) => name);
  if (taken.length > 0)
    problems.push(`"checks" and "objectives" both have ${taken.join(', ')}: give the check a "name" of its own.`);
  if (read.score) problems.push(...scoreContradictions(isGiven));
  if (read.timings.length > 1 && !isGiven('watch'))
    problems.push('The files of "objectives" measure in different rhythms: give "watch" and "interval".');
  if (problems.length > 0) throw inputRefusal(problems, 'gate');
  const { timing, score } = read;
  return {
    inputs: {
      ...inputs,
      checks: [...own, ...(parsed.data ?? [])],
      ...(score && { require: 'score', 'pass-score': score.pass, 'warn-score': score.warn }),
      ...(timing && timing.watch > 0 && !isGiven('watch') && { watch: timing.watch }),
      ...(timing && timing.watch > 0 && !isGiven('watch') && !isGiven('interval') && { interval: timing.interval }),
    },
    objectives: {
      checks: parsed.data ?? [],
      written: read.written,
      remarks: [
        ...read.remarks,
        ...remarksOf(read.timings, inputs, isGiven('watch')),
        ...(score && own.length > 0 ? [MIXED] : []),
      ],
      leftOut: read.leftOut,
    },
  };
}

const MIXED =
  'The "checks" count in the score of the objectives by their weight; "weight: 0" with "key: true" keeps one out of it.';

function scoreContradictions(isGiven: (name: string) => boolean): string[] {
  return ['require', 'pass-score', 'warn-score', 'group-weights']
    .filter(isGiven)
    .map((name) => `"${name}" contradicts "objectives", which bring a score of their own: leave it out.`);
}

function remarksOf(
  timings: readonly { readonly watch: number; readonly interval: number }[],
  { watch, interval }: ObjectiveInputs,
  isTimed: boolean,
): string[] {
  const other = isTimed && timings.some((one) => one.watch !== watch || one.interval !== interval);
  return other
    ? [
        `The files measure in a rhythm of their own; the gate watches ${formatDuration(watch)}, every ${formatDuration(interval)}, as the inputs say.`,
      ]
    : [];
}

async function filesOf(patterns: readonly string[], workspace: string): Promise<ObjectiveFile[]> {
  const found = await Promise.all(patterns.map((pattern) => pathsOf(pattern, workspace)));
  return Promise.all(
    [...new Set(found.flat())].map(async (name) => ({ name, text: await readFile(resolve(workspace, name), 'utf8') })),
  );
}

async function pathsOf(pattern: string, workspace: string): Promise<string[]> {
  const paths = (await Array.fromAsync(glob(pattern, { cwd: workspace }))).toSorted();
  const inside = paths.map((path) => relative(workspace, resolve(workspace, path)));
  if (inside.some((path) => path.startsWith('..') || isAbsolute(path)))
    throw noFile(pattern, 'leads out of the repository', 'Give paths in the repository.');
  const kinds = await Promise.all(inside.map((path) => stat(resolve(workspace, path))));
  const files = inside.filter((_, index) => kinds[index]?.isFile());
  if (files.length === 0)
    throw noFile(pattern, 'is no file', 'Give files or globs that are relative to the repository (actions/checkout).');
  return files;
}

function noFile(pattern: string, problem: string, next: string): SluiceError {
  return new SluiceError('invalid-input', { about: 'input "objectives"', problem: `${pattern} ${problem}.`, next });
}

import type * as z from 'zod';
import { SluiceError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { type InputsSchema, type ListedInput, listInputs } from './input-schema.ts';

/** Texts by the names of inputs, as the runner gives them. */
export type GivenInputs = Readonly<Record<string, string | undefined>>;

const PREFIX = 'INPUT_';

/** The runner puts input `min-requests` into `INPUT_MIN-REQUESTS`; a shell of another CI system can set `INPUT_MIN_REQUESTS` alone. */
export function givenInputs(env: Readonly<Record<string, string | undefined>>): GivenInputs {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      name.startsWith(PREFIX) ? [[name.slice(PREFIX.length).toLowerCase().replaceAll('_', '-'), value]] : [],
    ),
  );
}

/**
 * Reads all inputs of an action at once.
 *
 * @param action its folder in `actions`, or the page that documents it, for the error to name
 * @param contradictionsOf values that contradict each other, one sentence each
 * @throws SluiceError `invalid-input` that names all values that cannot be read and all unknown names; or all contradictions
 */
export function parseInputs<S extends InputsSchema>(
  schema: S,
  given: GivenInputs,
  action: string,
  contradictionsOf: (inputs: z.infer<S>) => readonly string[] = () => [],
): z.infer<S> {
  const list = listInputs(schema);
  const texts = { ...Object.fromEntries(list.map(({ name }) => [name, ''])), ...given };
  // Inputs are read once in a process: to compile a function for it takes longer than it saves.
  const parsed = schema.safeParse(texts, { jitless: true });
  if (!parsed.success) {
    throw inputRefusal(
      parsed.error.issues.flatMap((issue) => problemsOf(issue, list)),
      action,
    );
  }
  const problems = contradictionsOf(parsed.data);
  if (problems.length > 0) throw inputRefusal(problems, action);
  return parsed.data;
}

/** One error for all problems; each problem says what to do. */
export function inputRefusal(problems: readonly string[], action: string): SluiceError {
  return new SluiceError('invalid-input', {
    about: 'inputs',
    problem: `${problems.length === 1 ? 'one thing' : `${problems.length} things`} can't be right:\n${problems.map((problem) => `- ${problem}`).join('\n')}\n`,
    next: `All inputs: ${action.endsWith('.md') ? action : `README of actions/${action}`}.`,
  });
}

function problemsOf(issue: z.core.$ZodIssue, list: readonly ListedInput[]): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((name) => unknownInput(name, list));
  const name = String(issue.path[0]);
  const example = list.find((input) => input.name === name)?.example;
  const saysWhatToWrite = issue.code === 'custom' && issue.params?.saysWhatToWrite === true;
  return [`Input "${name}": ${issue.message}${saysWhatToWrite ? '' : ` Example: ${name}: ${example}`}`];
}

function unknownInput(name: string, list: readonly ListedInput[]): string {
  const meant = nearest(
    name,
    list.map((input) => input.name),
  );
  return `Input "${name}" is unknown: ${meant === undefined ? 'leave it out' : `"${meant}" is near`}.`;
}

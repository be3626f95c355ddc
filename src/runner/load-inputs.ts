import type * as z from 'zod';
import { isSluiceError, SluiceError } from '../canary/errors.ts';
import { nearest } from '../canary/nearest.ts';
import type { Plan } from '../canary/plan.ts';
import { contradictionsOf, timeContradictionsOf } from './contradictions.ts';
import { type CanaryInputs, canaryInputs, inputList } from './inputs.ts';
import { parsePlanFile } from './plan-input.ts';
import { headerSecrets, kubeconfigSecrets } from './secrets.ts';

/** What the inputs are read with. */
export interface InputSource {
  /** The environment: the runner puts input `min-requests` into `INPUT_MIN-REQUESTS`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The text of a file of the repository. Rejects where there is none. */
  readFile(path: string): Promise<string>;
  /** The paths of the files that a pattern picks. */
  glob(pattern: string): Promise<string[]>;
  /** Takes each secret before anything else happens, so that the runner's log can mask it. */
  mask(secret: string): void;
}

export interface LoadedInputs {
  readonly inputs: CanaryInputs;
  readonly plan: Plan;
  /** The texts of `config-files`. */
  readonly config: readonly string[];
  readonly secrets: readonly string[];
}

const PREFIX = 'INPUT_';

/**
 * Reads all inputs of the canary action at once.
 *
 * @throws SluiceError `invalid-input` that names everything that is wrong: values that can't be read, unknown names, and what
 *   contradicts itself. It quotes no secret.
 */
export async function loadInputs(source: InputSource): Promise<LoadedInputs> {
  const given = Object.fromEntries(
    Object.entries(source.env).flatMap(([name, value]) =>
      name.startsWith(PREFIX) ? [[name.slice(PREFIX.length).toLowerCase(), value]] : [],
    ),
  );
  const secrets = secretsOf(given);
  for (const secret of secrets) source.mask(secret);

  const parsed = canaryInputs.safeParse({ ...Object.fromEntries(inputList.map(({ name }) => [name, ''])), ...given });
  if (!parsed.success) throw refusal(parsed.error.issues.flatMap(problemsOf));
  const inputs = parsed.data;
  const problems = contradictionsOf(inputs);
  const [plan, config] = await Promise.all([
    inputs.steps ?? orProblem(readPlanFile(inputs['plan-file'], source), problems),
    orProblem(readConfig(inputs['config-files'] ?? [], source), problems),
  ]);
  if (plan) problems.push(...timeContradictionsOf(plan, inputs));
  if (problems.length > 0 || !plan || !config) throw refusal(problems);
  return { inputs, plan, config, secrets };
}

/** What was read, or nothing and one more problem. */
async function orProblem<T>(reading: Promise<T>, problems: string[]): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    problems.push(error.message);
    return undefined;
  }
}

function secretsOf(given: Readonly<Record<string, string | undefined>>): string[] {
  const { kubeconfig = '', 'prometheus-key': key = '', 'prometheus-headers': headers = '' } = given;
  return [
    given['prometheus-token'] ?? '',
    given['prometheus-password'] ?? '',
    // A path is no secret.
    ...(isContent(key) ? [key] : []),
    ...(isContent(kubeconfig) ? kubeconfigSecrets(kubeconfig) : []),
    ...headerSecrets(headers),
  ].filter((secret) => secret.trim() !== '');
}

function isContent(text: string): boolean {
  return text.trim().includes('\n') || text.trim().startsWith('{');
}

function problemsOf(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map(unknownInput);
  const name = String(issue.path[0]);
  const example = inputList.find((input) => input.name === name)?.example;
  const saysWhatToWrite = issue.code === 'custom' && issue.params?.saysWhatToWrite === true;
  return [`Input "${name}": ${issue.message}${saysWhatToWrite ? '' : ` Example: ${name}: ${example}`}`];
}

function unknownInput(name: string): string {
  const meant = nearest(
    name,
    inputList.map((input) => input.name),
  );
  return `Input "${name}" is unknown: ${meant === undefined ? 'leave it out' : `"${meant}" is near`}.`;
}

async function readPlanFile(path: string | undefined, { readFile }: InputSource): Promise<Plan | undefined> {
  return path === undefined
    ? undefined
    : parsePlanFile(await readText('plan-file', path, readFile), `plan file ${path}`);
}

/** Every pattern must pick something: a release without its config is not what was asked for. */
async function readConfig(patterns: readonly string[], { readFile, glob }: InputSource): Promise<string[]> {
  const paths = await Promise.all(
    patterns.map(async (pattern) => {
      const found = await glob(pattern);
      if (found.length === 0) throw noFile('config-files', pattern);
      return found.toSorted();
    }),
  );
  return Promise.all([...new Set(paths.flat())].map((path) => readText('config-files', path, readFile)));
}

async function readText(input: string, path: string, readFile: InputSource['readFile']): Promise<string> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw noFile(input, path, cause);
  }
}

function noFile(input: string, path: string, cause?: unknown): SluiceError {
  return new SluiceError('invalid-input', {
    about: `input "${input}"`,
    problem: `${path} is no file that can be read.`,
    next: 'Give a path in the repository, and check it out in an earlier step (actions/checkout).',
    cause,
  });
}

/** One error for everything that is wrong; each problem says what to do. */
function refusal(problems: readonly string[]): SluiceError {
  return new SluiceError('invalid-input', {
    about: 'inputs',
    problem: `${problems.length === 1 ? 'one thing' : `${problems.length} things`} can't be right:\n${problems.map((problem) => `- ${problem}`).join('\n')}\n`,
    next: 'All inputs: README of actions/canary.',
  });
}

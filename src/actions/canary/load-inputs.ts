import { isSluiceError, SluiceError } from '../../core/errors.ts';
import type { Plan } from '../../judge/plan.ts';
import { type GivenInputs, givenInputs, inputRefusal, parseInputs } from '../../runner/parse-inputs.ts';
import { clusterSecrets } from '../../runner/secrets.ts';
import { connectionSecrets } from '../checks/connections-input.ts';
import { prometheusSecrets, prometheusTokenIn } from '../checks/prometheus-inputs.ts';
import { contradictionsOf, timeContradictionsOf } from './contradictions.ts';
import { type CanaryInputs, canaryInputs } from './inputs.ts';
import { parsePlanFile } from './plan-input.ts';
import type { readSharedChecks, SharedCheckInput } from './shared-checks.ts';

/** Where the inputs come from. */
export interface InputSource {
  /** The environment, in which the runner puts input `min-requests` into `INPUT_MIN-REQUESTS`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a file of the repository. Rejects where it does not exist. */
  readFile(path: string): Promise<string>;
  /** The paths of the files that match a pattern. */
  glob(pattern: string): Promise<string[]>;
  /** Is called with each secret before anything else happens, so that the runner's log can mask it. */
  mask(secret: string): void;
}

export interface LoadedInputs {
  readonly inputs: CanaryInputs;
  readonly plan: Plan;
  /** The texts of `config-files`. */
  readonly config: readonly string[];
  /** The checks that the canary shares with the gate. */
  readonly shared: readonly SharedCheckInput[];
  readonly secrets: readonly string[];
}

const ACTION = 'canary';

/**
 * Reads all inputs of the canary action at once.
 *
 * @throws SluiceError `invalid-input` that names everything that is wrong: unreadable values, unknown names and
 * contradictions. It quotes no secret.
 */
export async function loadInputs(source: InputSource): Promise<LoadedInputs> {
  const given = givenInputs(source.env);
  const secrets = [...secretsOf(given), ...(await prometheusTokenIn(given['prometheus-token-file'], source.readFile))];
  for (const secret of secrets) source.mask(secret);

  const inputs = parseInputs(canaryInputs, given, ACTION);
  const problems = contradictionsOf(inputs);
  const [plan, config, shared] = await Promise.all([
    inputs.steps ?? orProblem(readPlanFile(inputs['plan-file'], source), problems),
    orProblem(readConfig(inputs['config-files'] ?? [], source), problems),
    readShared(inputs),
  ]);
  problems.push(...shared.problems);
  if (plan) problems.push(...timeContradictionsOf(plan, inputs));
  if (problems.length > 0 || !plan || !config) throw inputRefusal(problems, ACTION);
  return { inputs, plan, config, shared: shared.checks, secrets };
}

/** Loads what these checks are made of only where one is listed. */
async function readShared(inputs: CanaryInputs): Promise<ReturnType<typeof readSharedChecks>> {
  const written = inputs.checks.filter((one) => one.check === 'shared');
  if (written.length === 0) return { checks: [], problems: [] };
  const shared = await import('./shared-checks.ts');
  return shared.readSharedChecks(inputs, written);
}

/** The value that was read; undefined and one more problem where it could not be read. */
async function orProblem<T>(reading: Promise<T>, problems: string[]): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    problems.push(error.message);
    return undefined;
  }
}

function secretsOf(given: GivenInputs): string[] {
  return [
    ...prometheusSecrets(given),
    ...clusterSecrets(given),
    ...connectionSecrets(given.connections),
    given.token ?? '',
  ].filter((secret) => secret.trim() !== '');
}

/** The plan file; without one, a plan with no steps, which some modes allow. */
async function readPlanFile(path: string | undefined, { readFile }: InputSource): Promise<Plan> {
  return path === undefined
    ? { steps: [] }
    : parsePlanFile(await readText('plan-file', path, readFile), `plan file ${path}`);
}

/** Reads the config files. Every pattern must match a file: a release without its config is not what was asked for. */
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

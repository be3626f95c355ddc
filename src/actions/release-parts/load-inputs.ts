import { isSluiceError } from '../../core/errors.ts';
import { parseRepository } from '../../core/image-reference.ts';
import type { InputsSchema } from '../../runner/input-schema.ts';
import { itemsOf } from '../../runner/input-types.ts';
import { type GivenInputs, inputRefusal, parseInputs } from '../../runner/parse-inputs.ts';
import { buildPushContradictions } from '../build-push/contradictions.ts';
import { buildPushInputs } from '../build-push/inputs.ts';
import { contradictionsOf, timeContradictionsOf } from '../canary/contradictions.ts';
import { canaryInputs } from '../canary/inputs.ts';
import { helmContradictions } from '../helm-deploy/contradictions.ts';
import { helmInputs } from '../helm-deploy/inputs.ts';
import { type ReleasePartsInputs, releasePartsInputs } from './inputs.ts';
import { knownOf, partInputs } from './part-inputs.ts';

/** The page that documents the inputs of the composite action. */
const PAGE = 'docs/release.md';

const DEFAULT_STEPS = '5 for 2m, 25 for 5m, 50 for 5m, 100';

/** The values for the parts of a release that are derived from several inputs. */
export interface Parts {
  readonly build: boolean;
  readonly canary: ReleasePartsInputs['canary'];
  readonly deploy: boolean;
  readonly workload: string;
  readonly canaryWorkload: string;
  readonly service: string;
  readonly canaryService: string;
  readonly route: string;
  readonly steps: string;
}

/** The inputs of each of the two steps. */
export type LoadedRelease =
  | { readonly at: 'begin'; readonly inputs: ReleasePartsInputs; readonly parts: Parts }
  | { readonly at: 'end'; readonly inputs: ReleasePartsInputs };

/**
 * Reads the inputs of the first or of the last step.
 *
 * @throws SluiceError `invalid-input` that names everything that is wrong
 */
export function readRelease(given: GivenInputs): LoadedRelease {
  if (given.at === 'end') return { at: 'end', inputs: parseInputs(releasePartsInputs, given, PAGE) };
  return { at: 'begin', ...loadRelease(given) };
}

/**
 * Reads all inputs of the composite action at once, and checks that each part accepts its own, before anything is built or
 * deployed.
 *
 * @throws SluiceError `invalid-input` that names everything that is wrong
 */
export function loadRelease(given: GivenInputs): { readonly inputs: ReleasePartsInputs; readonly parts: Parts } {
  const inputs = parseInputs(releasePartsInputs, given, PAGE);
  const parts = partsOf(inputs, given.steps);
  const problems = [...missing(inputs), ...contradictions(inputs)];
  // Checks the parts only if nothing is missing: their problems would only be consequences.
  if (problems.length === 0) problems.push(...problemsOfParts(inputs, parts, given));
  if (problems.length > 0) throw inputRefusal([...new Set(problems)], PAGE);
  return { inputs, parts };
}

/**
 * The values for the parts, with defaults where the inputs name nothing.
 *
 * @param steps the plan as it was written
 */
function partsOf(
  { build, canary, chart, release = '', ...inputs }: ReleasePartsInputs,
  steps: string | undefined,
): Parts {
  const workload = inputs.workload ?? `deployment/${release}`;
  const service = inputs.service ?? release;
  const [name = '', port] = service.split(':');
  const canaryOf = port === undefined ? `${name}-canary` : `${name}-canary:${port}`;
  const plan = inputs['plan-file'] === undefined ? DEFAULT_STEPS : '';
  return {
    build,
    canary,
    deploy: chart !== undefined,
    workload,
    canaryWorkload: `${workload}-canary`,
    service,
    canaryService: inputs['canary-service'] ?? canaryOf,
    route: inputs.route ?? `virtualservice/${release}`,
    steps: canary === 'none' ? '' : steps || plan,
  };
}

function missing({ release, image }: ReleasePartsInputs): string[] {
  return [
    ...(release === undefined ? ['Input "release" is needed: name the release. Example: release: checkout'] : []),
    ...(image === undefined ? ['Input "image" is needed. Example: image: ghcr.io/acme/checkout'] : []),
  ];
}

const ofBuild = ['file', 'target', 'platforms', 'build-args', 'sbom', 'registry-username'] as const;
const ofChart = ['chart-repository', 'chart-version', 'values-files', 'values'] as const;
const ofRollout = ['route', 'steps', 'plan-file', 'meter', 'metrics', 'prometheus'] as const;
const ofCanaryRelease = ['canary-values', 'canary-service'] as const;

function contradictions(inputs: ReleasePartsInputs): string[] {
  const { build, canary, chart } = inputs;
  const without = (left: boolean, names: readonly (keyof ReleasePartsInputs)[], why: string) => {
    const useless = names.filter((name) => left && inputs[name] !== undefined).map((name) => `"${name}"`);
    return useless.length === 0 ? [] : [`${useless.join(', ')} would have no effect ${why}: leave it out.`];
  };
  return [
    ...(canary === 'release' && chart === undefined
      ? ['"canary: release" installs the chart once more: give "chart", or use "canary: workload".']
      : []),
    ...(canary === 'none' && chart === undefined ? ['Nothing would be released: without a canary, give "chart".'] : []),
    ...without(!build, ofBuild, 'with "build: false"'),
    ...without(chart === undefined, ofChart, 'without "chart"'),
    ...without(canary === 'none', ofRollout, 'with "canary: none"'),
    ...without(canary !== 'release', ofCanaryRelease, 'without "canary: release"'),
  ];
}

/** Checks the inputs of the parts as their actions would. */
function problemsOfParts({ image }: ReleasePartsInputs, parts: Parts, given: GivenInputs): string[] {
  const { build, canary, deploy, canaryWorkload } = parts;
  const known = { given, outputs: outputsOf(parts), image: build ? pushedImage(given.image) : image, canaryWorkload };
  const isBeside = canary === 'release';
  const helm = isBeside ? partInputs.beside : partInputs.deploy;
  const rollout = isBeside ? partInputs.shift : partInputs.canary;
  return [
    ...(build ? partProblems(buildPushInputs, knownOf(partInputs.build, known), buildPushContradictions) : []),
    ...(deploy ? partProblems(helmInputs, knownOf(helm, known), helmContradictions) : []),
    ...(canary === 'none'
      ? []
      : partProblems(canaryInputs, knownOf(rollout, known), (read) => [
          ...contradictionsOf(read),
          ...(read.steps ? timeContradictionsOf(read.steps, read) : []),
        ])),
  ];
}

/** The outputs of the first step. */
export function outputsOf({ canary, workload, service, canaryService, route, steps }: Parts) {
  return { canary, workload, service, 'canary-service': canaryService, route, steps };
}

function partProblems<S extends InputsSchema>(
  schema: S,
  given: GivenInputs,
  contradict: (inputs: ReturnType<typeof parseInputs<S>>) => readonly string[],
): readonly string[] {
  try {
    const told = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
    return contradict(parseInputs(schema, told, PAGE));
  } catch (error) {
    if (!isSluiceError(error, 'invalid-input')) throw error;
    return error.problem.split('\n').flatMap((line) => (line.startsWith('- ') ? [line.slice(2)] : []));
  }
}

/**
 * The image that build-push will push: the first repository, with a digest in place of the one that is not known yet.
 */
function pushedImage(repositories = ''): string {
  const digest = `sha256:${'0'.repeat(64)}`;
  try {
    return `${parseRepository(itemsOf(repositories)[0] ?? '').name}@${digest}`;
  } catch (error) {
    if (!isSluiceError(error, 'invalid-input')) throw error;
    // The build part reports the problem; the other parts have nothing to add.
    return `image@${digest}`;
  }
}

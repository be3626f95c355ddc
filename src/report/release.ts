import * as z from 'zod';
import { SluiceError } from '../core/errors.ts';
import { tryParseJson } from '../core/json.ts';
import { bold, code, plain, table } from './markdown.ts';
import { commitMarkdown } from './subject.ts';

/** The parts of the composite release in order, by the ids of its steps. */
const partNames = {
  begin: 'Inputs',
  build: 'Build and push',
  'undo-left': 'What earlier runs left',
  beside: 'Canary release',
  canary: 'Canary',
  shift: 'Canary',
  deploy: 'Helm release',
  finish: 'Route back to the release',
  undo: 'Undo',
  remove: 'Canary release removed',
} as const;
type PartName = keyof typeof partNames;

const isPart = (name: string): name is PartName => name in partNames;

/** `toJSON(steps)` of the composite action: https://docs.github.com/actions/reference/workflows-and-actions/contexts#steps-context */
const stepsContext = z.record(
  z.string(),
  z.object({
    outcome: z.enum(['success', 'failure', 'cancelled', 'skipped']),
    outputs: z.record(z.string(), z.string()).nullish(),
  }),
);

/** The outcome of one part. */
export interface PartOutcome {
  readonly name: PartName;
  readonly outcome: 'success' | 'failure' | 'cancelled' | 'skipped';
  readonly outputs: Readonly<Record<string, string>>;
}

export interface ReleaseReport {
  readonly schema: 1;
  readonly kind: 'release';
  readonly release: string;
  readonly endedAt: number;
  readonly verdict: string;
  readonly reason: string;
  readonly image: string;
  readonly revision: string;
  /** The commit of the run. */
  readonly commit?: string | undefined;
  readonly parts: readonly (PartOutcome & { readonly report?: unknown })[];
}

/** The outcomes of the parts that ran, in their order. */
export function parseOutcomes(json: string): PartOutcome[] {
  const parsed = stepsContext.safeParse(tryParseJson(json));
  if (!parsed.success) {
    throw new SluiceError('invalid-input', {
      about: 'input "outcomes"',
      problem: 'is not what the steps of the action have left, as JSON.',
      next: 'Use the composite action as it is: it gives `toJSON(steps)`.',
    });
  }
  const found = parsed.data;
  return Object.keys(partNames)
    .filter(isPart)
    .flatMap((name) => {
      const step = found[name];
      return step && step.outcome !== 'skipped' ? [{ name, outcome: step.outcome, outputs: step.outputs ?? {} }] : [];
    });
}

/** The report of the whole release. */
export function releaseReport(
  release: string,
  outcomes: readonly PartOutcome[],
  reports: ReadonlyMap<string, unknown>,
  endedAt: number,
): ReleaseReport {
  const of = (name: PartName) => outcomes.find((part) => part.name === name);
  const { verdict, reason } = endingOf(of);
  return {
    schema: 1,
    kind: 'release',
    release,
    endedAt,
    verdict,
    reason,
    image: of('build')?.outputs.image ?? '',
    revision: of('deploy')?.outputs.revision ?? '',
    parts: outcomes.map((part) => ({
      ...part,
      ...(reports.get(part.name) !== undefined && { report: reports.get(part.name) }),
    })),
  };
}

/**
 * The last relevant part decides how the whole ended: a promotion counts only if the Helm release succeeded after it.
 */
function endingOf(of: (name: PartName) => PartOutcome | undefined): { verdict: string; reason: string } {
  // Nothing served yet, so the result of the deployment is the result of the release.
  const first = [of('canary'), of('undo-left')].some((part) => part?.outputs['first-release'] === 'true');
  const compared = of('shift') ?? of('canary');
  const rollout = compared?.outcome === 'success' && first && !compared.outputs.verdict ? undefined : compared;
  const deploy = of('deploy');
  const undo = of('undo');
  const finish = of('finish');
  const failedFirst = (['begin', 'build', 'undo-left', 'beside'] as const)
    .map((name) => of(name))
    .find((part) => part !== undefined && part.outcome !== 'success');
  if (failedFirst) return { verdict: 'failed', reason: whyOf(failedFirst) };
  if (rollout && rollout.outcome !== 'success')
    return { verdict: rollout.outputs.verdict || 'failed', reason: whyOf(rollout) };
  if (deploy && deploy.outcome !== 'success') {
    const isBack = deploy.outputs.verdict === 'rolled-back' && (!undo || undo.outcome === 'success');
    return { verdict: isBack ? 'rolled-back' : 'failed', reason: whyOf(deploy) };
  }
  if (finish && finish.outcome !== 'success')
    return { verdict: finish.outputs.verdict || 'failed', reason: whyOf(finish) };
  const last = finish ?? rollout ?? deploy;
  // The rollout was held for the Helm release, which never began: the job was cancelled in between.
  if (!last || (last.name === 'shift' && last.outputs.verdict === 'held'))
    return { verdict: undo?.outcome === 'success' ? 'rolled-back' : 'failed', reason: 'the job was stopped' };
  return { verdict: last.outputs.verdict || 'failed', reason: first ? `${FIRST}; ${whyOf(last)}` : whyOf(last) };
}

/** The words for a first release. */
const FIRST = 'first release: nothing served yet, so there was nothing to compare it with';

function whyOf({ name, outcome, outputs }: PartOutcome): string {
  const outcomes = { success: 'succeeded', failure: 'failed', cancelled: 'was cancelled', skipped: 'was skipped' };
  return outputs.reason || `${partNames[name]} ${outcomes[outcome]}`;
}

const marks = { success: '✅', failure: '⛔', cancelled: '⏹️', skipped: '' } as const;

/** The part of the summary above the summaries of the parts. */
export function renderRelease({ release, verdict, reason, image, revision, commit, parts }: ReleaseReport): string {
  const rows = parts
    .filter(({ name, outcome }) => name !== 'begin' || outcome !== 'success')
    .map((part) => [
      `${marks[part.outcome]} ${partNames[part.name]}`,
      plain(part.outputs.verdict ?? ''),
      plain(shortly(part)),
    ]);
  const versions = parts.find(({ outputs }) => outputs.versions)?.outputs.versions;
  const subject = [
    plain([release, versions].filter((part) => part).join(' ')),
    ...(commit ? [commitMarkdown(commit)] : []),
  ];
  const facts = [
    ...(image === '' ? [] : [`Image: ${code(image)}`]),
    ...(revision === '' ? [] : [`Revision of the Helm release: ${code(revision)}`]),
  ];
  return `${[
    `## Release ${subject.join(' ')}: ${plain(verdict)}`,
    bold(reason),
    table(['Part', 'Verdict', ''], rows),
    ...facts,
  ].join('\n\n')}\n\n`;
}

function shortly({ name, outputs }: PartOutcome): string {
  if (name === 'build')
    return outputs.skipped === 'true' ? `in the registry already: ${outputs.tags ?? ''}` : (outputs.tags ?? '');
  return outputs.reason ?? '';
}

import type { JudgedFault } from './judged-fault.ts';
import type { TargetResult } from './targets.ts';

/** How the steady state was after the drill, as the checks say. */
export interface SteadyAfter {
  readonly state: 'back' | 'not-back' | 'unknown';
  readonly reason: string;
}

export interface Conclusion {
  readonly verdict: 'resilient' | 'not-resilient' | 'incomplete';
  readonly reason: string;
  readonly score?: number;
}

/**
 * The verdict of a drill that was not aborted.
 *
 * - `not-resilient`: a target of a fault that was felt failed, or the steady state is not back.
 * - `incomplete`: nothing failed, but a fault was not felt or that is not known, a target could not be judged, or a part had none.
 * - `resilient`: every fault was felt, every target passed, and the steady state is back.
 *
 * The score is the share of targets that passed, in per cent, over the faults that were felt; what is missing counts as not passed. It is
 * undefined where nothing was measured. It is rounded down, so that 100 means all.
 */
export function concludeDrill(faults: readonly JudgedFault[], steadyAfter: SteadyAfter | undefined): Conclusion {
  const felt = faults.filter(({ effect }) => effect.felt === 'felt');
  const results = felt.flatMap(({ targets }) => targets);
  const passed = results.filter(({ state }) => state === 'passed').length;
  const judged = results.some(({ state }) => state !== 'missing');
  const score = judged ? { score: Math.floor((100 * passed) / results.length) } : {};
  const failed = felt.flatMap((outcome) => problemsOf(outcome, 'failed'));
  if (steadyAfter?.state === 'not-back') failed.push(`the steady state is not back (${steadyAfter.reason})`);
  if (failed.length > 0) return { verdict: 'not-resilient', reason: sentences(failed), ...score };
  const open = [
    ...faults.flatMap(({ fault, effect }) =>
      effect.felt === 'felt' ? [] : [`"${fault.text}" ${unfelt[effect.felt]} (${effect.evidence})`],
    ),
    ...felt.flatMap((outcome) => problemsOf(outcome, 'missing')),
    ...felt.filter(({ targets }) => targets.length === 0).map(({ fault }) => `"${fault.text}" was judged by no target`),
  ];
  if (faults.length === 0) open.push('no fault was injected');
  if (steadyAfter?.state === 'unknown')
    open.push(`it is not known whether the steady state is back (${steadyAfter.reason})`);
  if (open.length > 0) return { verdict: 'incomplete', reason: sentences(open), ...score };
  const all = passed === 1 ? 'the only target was met' : `all ${passed} targets were met`;
  const every = faults.length === 1 ? 'The fault was felt' : `All ${faults.length} faults were felt`;
  const back = steadyAfter ? ', and the steady state is back' : '';
  return { verdict: 'resilient', reason: `${every}${back === '' ? ', and' : ','} ${all}${back}.`, ...score };
}

const unfelt = { 'not-felt': 'was not felt', unknown: 'may not have been felt' } as const;

function problemsOf({ fault, targets }: JudgedFault, state: TargetResult['state']): string[] {
  const word = state === 'failed' ? 'was not met' : 'could not be judged';
  return targets
    .filter((result) => result.state === state)
    .map(({ target, sentence }) => `"${target}" ${word} under "${fault.text}" (${sentence})`);
}

/** The first five of them as one sentence. */
function sentences(problems: readonly string[]): string {
  const shown = problems.slice(0, 5).join('; ');
  const more = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
  return `${shown.charAt(0).toUpperCase()}${shown.slice(1)}${more}.`;
}

import type { OnBreach, Opinion } from '../../judge/types.ts';
import type { ArmHealth, PodProblem } from '../ports.ts';

/** The name of the check of the canary's pods, which is always judged. */
export const POD_CHECK = 'pods';

export function unseenPods(onBreach: OnBreach): Opinion {
  return {
    check: POD_CHECK,
    state: 'unknown',
    onBreach,
    progress: 0,
    sentence: 'the pods have not been seen yet',
    figures: {},
  };
}

export function judgePods({ desired, ready, problems }: ArmHealth, onBreach: OnBreach): Opinion {
  const [worst] = problems;
  const figures = { desired, ready, problems: problems.length };
  if (worst) return { check: POD_CHECK, state: 'breach', onBreach, progress: 1, sentence: describePod(worst), figures };
  const state = ready >= desired ? 'healthy' : 'unknown';
  return { check: POD_CHECK, state, onBreach, progress: 0, sentence: `${ready} of ${desired} pods are ready`, figures };
}

function describePod({ pod, container, reason, message }: PodProblem): string {
  return `Pod ${pod}${container === undefined ? '' : `, container ${container}`}: ${reason}${message === '' ? '' : ` (${message})`}`;
}

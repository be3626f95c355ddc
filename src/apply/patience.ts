import { describe } from '../cluster/resources.ts';
import type { Clock } from '../core/clock.ts';
import { firstLine } from '../core/text.ts';
import type { Problem } from './pod-states.ts';
import type { Sight } from './sight.ts';

/** An object that is not waited for any longer, and why. */
export interface Hopeless {
  readonly sight: Sight;
  readonly text: string;
}

/** Measures how long each problem has been seen, by this process's own clock. */
export function createPatience(clock: Clock) {
  let since = new Map<string, number>();
  let end = Number.POSITIVE_INFINITY;
  return {
    /** The objects that further waiting does not help. */
    hopeless(sights: readonly Sight[]): Hopeless[] {
      end = Number.POSITIVE_INFINITY;
      const now = new Map<string, number>();
      const found = sights.flatMap((sight): Hopeless[] => {
        if (sight.progress.state === 'failed') return [{ sight, text: sight.progress.text }];
        const over = problemsOf(sight).flatMap(({ key, problem, text }) => {
          const begun = problem.isPassing ? clock.now() : (since.get(key) ?? clock.now());
          now.set(key, begun);
          if (clock.now() >= begun + problem.patience) return [text];
          end = Math.min(end, begun + problem.patience);
          return [];
        });
        return over[0] === undefined ? [] : [{ sight, text: over[0] }];
      });
      since = now;
      return found;
    },
    /** When the next patience ends; Infinity where none runs. */
    end: () => end,
  };
}

function problemsOf({ reference, progress, pods }: Sight): { key: string; problem: Problem; text: string }[] {
  const object = describe(reference);
  const own = progress.problem;
  return [
    ...(own
      ? [
          {
            key: `${object} ${own.reason}`,
            problem: own,
            text: `can't make its pods (${own.reason}): ${firstLine(own.message)}`,
          },
        ]
      : []),
    ...pods.flatMap(({ pod, problem }) =>
      problem ? [{ key: `${object} ${pod} ${problem.reason}`, problem, text: `pod ${pod} ${problem.message}` }] : [],
    ),
  ];
}

/** The words about an object at the deadline. */
export function outOfTime(sight: Sight): Hopeless {
  const pod = sight.pods.find(({ ready, ordinary }) => !ready && !ordinary) ?? sight.pods.find(({ ready }) => !ready);
  const { progress } = sight;
  const own = progress.problem ? `; ${progress.problem.reason}: ${firstLine(progress.problem.message)}` : '';
  return { sight, text: `was not ready in time: ${progress.text}${own}${pod ? `; pod ${pod.pod} ${pod.text}` : ''}` };
}

import { describe, resources } from '../cluster/resources.ts';
import { firstLine } from '../core/text.ts';
import { lastLines } from './last-lines.ts';
import type { PodProgress } from './pod-progress.ts';
import type { Sight } from './sight.ts';
import type { WaitOptions } from './wait-options.ts';

/** Milliseconds that a pod may take for an ordinary step before it is worth a line. */
const ORDINARY = 15_000;
/** Tells each change once, and what lasts. */
export function createTeller(
  { client, clock, emit }: Pick<WaitOptions, 'client' | 'clock' | 'emit'>,
  signal: AbortSignal,
) {
  let seen = new Map<string, { readonly text: string; readonly since: number; readonly told: boolean }>();
  const crashesTold = new Set<string>();
  const logsUnread = new Set<string>();
  let next = Number.POSITIVE_INFINITY;

  /** True at the first time that a text is to be told; an ordinary one is when it lasts. */
  function isNews(
    now: Map<string, { text: string; since: number; told: boolean }>,
    key: string,
    text: string,
    ordinary: boolean,
  ) {
    const before = seen.get(key);
    const since = before?.text === text ? before.since : clock.now();
    const due = ordinary ? since + ORDINARY : since;
    const was = before?.text === text && before.told;
    const told = was || clock.now() >= due;
    if (!told) next = Math.min(next, due);
    now.set(key, { text, since, told });
    return told && !was;
  }

  async function tellCrash({ reference }: Sight, { pod, crash }: PodProgress): Promise<void> {
    if (!crash) return;
    // Pods of one workload crash alike.
    const key = `${describe(reference)} ${crash.container}`;
    // Asked for again at the next crash: its container may just have been replaced, or its node had no time.
    const log = [pod, ...Object.values(crash)].join(' ');
    if (crashesTold.has(key) || logsUnread.has(log)) return;
    const { lines, problem } = await lastLines(client, { ...reference, type: resources.pod, name: pod }, crash, signal);
    if (problem !== undefined) logsUnread.add(log);
    if (lines.length === 0) return;
    crashesTold.add(key);
    emit({ type: 'last-lines', at: clock.now(), pod, container: crash.container, lines });
  }

  return {
    async tell(sights: readonly Sight[]): Promise<void> {
      next = Number.POSITIVE_INFINITY;
      const now = new Map<string, { text: string; since: number; told: boolean }>();
      for (const sight of sights) {
        const object = describe(sight.reference);
        const { state, text, problem } = sight.progress;
        const whole = problem ? `${text}; ${problem.reason}: ${firstLine(problem.message)}` : text;
        // What has failed is told with all that is known of it.
        if (text !== '' && state !== 'failed' && isNews(now, object, `${state} ${whole}`, false)) {
          emit({ type: 'progress', at: clock.now(), object, state, text: whole });
        }
        for (const pod of sight.pods) {
          // That a pod is ready stands in its workload's numbers.
          if (pod.ready) continue;
          if (isNews(now, `${object} ${pod.pod}`, pod.text, pod.ordinary)) {
            emit({ type: 'pod', at: clock.now(), object, pod: pod.pod, ready: pod.ready, text: pod.text });
          }
          await tellCrash(sight, pod);
        }
      }
      seen = now;
    },
    /** When something that lasts is to be told. */
    next: () => next,
  };
}

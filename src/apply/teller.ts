import { describe, resources } from '../cluster/resources.ts';
import { firstLine } from '../core/text.ts';
import { lastLines } from './last-lines.ts';
import type { PodProgress } from './pod-progress.ts';
import type { Sight } from './sight.ts';
import type { WaitOptions } from './wait-options.ts';

/** Milliseconds that an ordinary step of a pod may take before it is worth a line. */
const ORDINARY = 15_000;
/** Reports each change once, and states that last. */
export function createTeller(
  { client, clock, emit }: Pick<WaitOptions, 'client' | 'clock' | 'emit'>,
  signal: AbortSignal,
) {
  let seen = new Map<string, { readonly text: string; readonly since: number; readonly told: boolean }>();
  const crashesTold = new Set<string>();
  const logsUnread = new Set<string>();
  let next = Number.POSITIVE_INFINITY;

  /** Whether to report a text now: at once if it is new, or for an ordinary text once it has lasted long enough. */
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
    // Pods of one workload crash alike, so one log is enough.
    const key = `${describe(reference)} ${crash.container}`;
    // A failed read is tried again at the next crash: the container may just have been replaced, or the node was busy.
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
        // The `stuck` event tells about a failed object.
        if (text !== '' && state !== 'failed' && isNews(now, object, `${state} ${whole}`, false)) {
          emit({ type: 'progress', at: clock.now(), object, state, text: whole });
        }
        for (const pod of sight.pods) {
          // The numbers of the workload include its ready pods.
          if (pod.ready) continue;
          if (isNews(now, `${object} ${pod.pod}`, pod.text, pod.ordinary)) {
            emit({ type: 'pod', at: clock.now(), object, pod: pod.pod, ready: pod.ready, text: pod.text });
          }
          await tellCrash(sight, pod);
        }
      }
      seen = now;
    },
    /** When an ordinary text is due to be reported; Infinity where none is. */
    next: () => next,
  };
}

import type * as z from 'zod';
import { pullFailure, type ServingPolicy, type ServingState, serving, startState } from '../apply/pod-states.ts';
import type { PodProblem } from '../canary/ports.ts';
import {
  type ContainerStatus,
  condition,
  isReady,
  isTerminating,
  type Pod,
  statuses,
  type terminated,
} from '../cluster/pods.ts';
import { firstLine, lastLine } from '../core/text.ts';

/** What was seen of one pod so far. What happened before the watch began does not count against it. */
export interface PodHistory {
  readonly wasReady: boolean;
  /** The pod had already failed when it was first seen. */
  readonly foundFailed: boolean;
  /** Restarts of each container until the pod was first seen ready: a start may take several attempts. */
  readonly restarts: ReadonlyMap<string, number>;
  /**
   * When the pod was seen to be no longer ready, in milliseconds since the epoch; undefined while it is ready, and before it
   * has ever been.
   */
  readonly unreadySince: number | undefined;
  /** When a container was first seen that can't be started; undefined if all can. */
  readonly unstartedSince: number | undefined;
}

/**
 * The history extended by the pod's current state.
 *
 * @param now milliseconds since the epoch
 */
export function remember(history: PodHistory | undefined, pod: Pod, now: number): PodHistory {
  const sinceWhen = (holds: boolean, before: number | undefined) => (holds ? (before ?? now) : undefined);
  const unstartedSince = sinceWhen(
    statuses(pod).some(({ state: { waiting } }) => waiting && startState(waiting) !== undefined),
    history?.unstartedSince,
  );
  if (history?.wasReady) {
    return { ...history, unstartedSince, unreadySince: sinceWhen(!isReady(pod), history.unreadySince) };
  }
  return {
    wasReady: isReady(pod),
    foundFailed: history?.foundFailed ?? pod.status.phase === 'Failed',
    restarts: new Map(statuses(pod).map(({ name, restartCount }) => [name, restartCount])),
    unreadySince: undefined,
    unstartedSince,
  };
}

/** A problem of a pod, and the time from which it counts, in milliseconds since the epoch. */
export interface PodTrouble extends PodProblem {
  readonly due: number;
}

/**
 * The problems of a pod itself, independent of metrics: those that count now and those that count if they last. A pod that is
 * being deleted has none.
 *
 * @param others some pod of its arm is ready
 */
export function podTroubles(pod: Pod, history: PodHistory, others: boolean, { patience } = serving): PodTrouble[] {
  if (isTerminating(pod)) return [];
  const { status, metadata } = pod;
  const trouble = (reason: string, message: string, due: number) => ({ pod: metadata.name, reason, message, due });
  if (status.phase === 'Failed') {
    const evicted = status.reason === 'Evicted' && !history.foundFailed;
    return evicted ? [trouble('Evicted', firstLine(status.message), patience.evicted)] : [];
  }
  const troubles = statuses(pod).flatMap((container) => containerTroubles(metadata.name, container, history, patience));
  const scheduled = condition(pod, 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason !== 'SchedulingGated') {
    const since = Date.parse(scheduled.lastTransitionTime ?? '') || 0;
    troubles.push(trouble(scheduled.reason, firstLine(scheduled.message), since + patience.unschedulable));
  }
  if (history.unreadySince !== undefined) {
    const message = `was ready and is not any more. ${firstLine(condition(pod, 'Ready')?.message ?? '')}`.trim();
    troubles.push(trouble('Unready', message, history.unreadySince + (others ? patience.unready : 0)));
  }
  return troubles;
}

/**
 * Those troubles of a pod that count by now. `Unready` is left out if another one gives the cause.
 *
 * @param now milliseconds since the epoch
 */
export function problemsOf(troubles: readonly PodTrouble[], now: number): PodProblem[] {
  const problems = troubles.filter(({ due }) => due <= now).map(({ due: _, ...problem }) => problem);
  const causes = problems.filter(({ reason }) => reason !== 'Unready');
  return causes.length > 0 ? causes : problems;
}

function containerTroubles(
  name: string,
  container: ContainerStatus,
  history: PodHistory,
  patience: ServingPolicy['patience'],
): PodTrouble[] {
  const { state, lastState, restartCount } = container;
  const { waiting } = state;
  const trouble = (kind: ServingState, reason: string, message: string, since = 0) => ({
    pod: name,
    container: container.name,
    reason,
    message,
    due: since + patience[kind],
  });
  const last = state.terminated ?? lastState.terminated;
  const restartsSeen = restartCount - (history.restarts.get(container.name) ?? 0);

  const outOfMemory = last?.reason === 'OOMKilled';
  if (outOfMemory && (restartsSeen > 0 || state.terminated !== undefined || !history.wasReady)) {
    return [trouble('out-of-memory', 'OOMKilled', 'used more memory than its limit allows')];
  }
  if (history.wasReady && state.terminated && state.terminated.exitCode !== 0) {
    return [trouble('restarted', 'Terminated', `ended while watched; ${lastWords(last)}`)];
  }
  const held = waiting && startState(waiting);
  const waitingFor = firstLine(pullFailure(waiting?.message ?? ''));
  if (held && patience[held] === 0) {
    return [trouble(held, waiting.reason, lastWords(last) || waitingFor)];
  }
  if (history.wasReady && restartsSeen > 0) {
    return [trouble('restarted', 'Restarted', `${restartsSeen} times while watched; ${lastWords(last)}`)];
  }
  if (!held) return [];
  return [trouble(held, waiting.reason, waitingFor || lastWords(last), history.unstartedSince)];
}

function lastWords(last: z.infer<typeof terminated> | undefined): string {
  if (!last) return '';
  const code = last.exitCode === undefined ? '' : `exit code ${last.exitCode}`;
  const reason = last.reason === '' || last.reason === 'Error' ? '' : ` (${last.reason})`;
  const said = last.message === '' ? '' : `: ${lastLine(last.message)}`;
  return `${code}${reason}${said}`;
}

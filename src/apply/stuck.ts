import type { KubernetesClient } from '../cluster/client.ts';
import { describe, resources } from '../cluster/resources.ts';
import { SluiceError } from '../core/errors.ts';
import { firstLine } from '../core/text.ts';
import type { Stuck, StuckPod } from './events.ts';
import { LOG_LINES, lastLines } from './last-lines.ts';
import type { Hopeless } from './patience.ts';
import type { PodProgress, WarningEvent } from './pod-progress.ts';
import { isAboutImage } from './pod-states.ts';
import type { Sight } from './sight.ts';
import type { WaitOptions } from './wait-options.ts';

/** Most pods shown of one workload: they usually fail alike. */
const MOST_PODS = 3;
const MOST_EVENTS = 5;

/** Gathers the evidence for the log and the error. */
export async function giveUp(
  hopeless: readonly Hopeless[],
  { client, clock, emit }: Pick<WaitOptions, 'client' | 'clock' | 'emit'>,
  signal: AbortSignal,
): Promise<SluiceError> {
  const objects = await Promise.all(
    hopeless.map(async ({ sight, text }): Promise<Stuck> => {
      const failing = sight.pods.filter(({ ready }) => !ready).toSorted((a, b) => severity(b) - severity(a));
      const pods = await Promise.all(failing.slice(0, MOST_PODS).map((pod) => stuckPod(client, sight, pod, signal)));
      return {
        object: describe(sight.reference),
        text,
        next: adviceFor(sight, failing[0]),
        events: eventLines(sight.warnings),
        pods,
      };
    }),
  );
  emit({ type: 'stuck', at: clock.now(), objects });
  const [first] = objects;
  const others = objects.slice(1).map(({ object, text }) => `\n${object}: ${text}.`);
  const lines = objects.flatMap(({ pods }) => pods.flatMap((pod) => pod.lines)).slice(-LOG_LINES);
  const said = lines.length === 0 ? '' : ` Its last lines:\n${lines.map((line) => `  | ${line}`).join('\n')}\n`;
  return new SluiceError('not-ready', {
    about: first?.object ?? '',
    problem: `${first?.text ?? ''}.${others.join('')}${said}`,
    next: first?.next ?? '',
  });
}

function severity({ problem, crash, ordinary }: PodProgress): number {
  return problem?.patience === 0 ? 4 : problem ? 3 : crash ? 2 : ordinary ? 0 : 1;
}

async function stuckPod(
  client: KubernetesClient,
  { reference, warningsOf }: Sight,
  { pod, text, crash }: PodProgress,
  signal: AbortSignal,
): Promise<StuckPod> {
  const target = { ...reference, type: resources.pod, name: pod };
  const { lines, problem } = crash ? await lastLines(client, target, crash, signal) : { lines: [] };
  const shown = problem === undefined ? lines : [`(its log can't be read: ${problem})`];
  return { pod, text, events: eventLines(warningsOf(pod)), lines: shown };
}

function eventLines(warnings: readonly WarningEvent[]): string[] {
  const lines = warnings.map(({ reason, message, count }) => {
    const times = (count ?? 1) > 1 ? ` (${count} times)` : '';
    return `${reason}${times}: ${firstLine(message)}`;
  });
  return [...new Set(lines)].slice(-MOST_EVENTS);
}

function adviceFor({ reference, progress, pods }: Sight, failing: PodProgress | undefined): string {
  const state = failing?.problem?.state;
  if (progress.problem?.state === 'no-room') {
    return 'Ask for less, or raise the ResourceQuota; pods of the former version count as well while they are replaced.';
  }
  if (state && isAboutImage(state)) {
    return "Check the image's name and tag, that it was pushed, and the pull secret of the pod's service account.";
  }
  if (failing?.crash || state === 'crash-loop') return 'Correct what the last lines say, and run again.';
  if (state === 'unschedulable') return 'Give the pods less to ask for, or the cluster more nodes.';
  if (state) return 'Create what the message says is missing, and run again.';
  if (progress.isUnseen) {
    return 'Look in its logs how it has ended, and give it a longer ttlSecondsAfterFinished; then run again.';
  }
  if (reference.type.kind === 'Job')
    return 'Correct what the Job does, and give it another name: a Job can not run twice.';
  if (pods.length > 0) return 'Look at what the pod waits for; if it only needs more time, give a longer "timeout".';
  return 'Look at its status and events; if it only needs more time, give a longer "timeout".';
}

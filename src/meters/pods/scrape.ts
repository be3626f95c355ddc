import type { KubernetesClient } from '../../cluster/client.ts';
import { ApiError } from '../../cluster/errors.ts';
import { resources } from '../../cluster/resources.ts';
import type { Clock } from '../../core/clock.ts';
import { SluiceError } from '../../core/errors.ts';
import { inParallel } from '../../core/parallel.ts';
import type { Sample } from '../counting/classify.ts';
import { parseExposition } from './exposition.ts';
import type { MeteredPods, PodOfArm } from './metered-pods.ts';
import { CONCURRENCY, type PodAnswer } from './pod-sources.ts';

/** Milliseconds for one pod's answer: a hanging pod must not delay the others for long. */
const POD_TIMEOUT = 2_000;
/** The requested format; pods that only support OpenMetrics answer in that. */
const ACCEPT = 'text/plain;version=0.0.4;q=1,*/*;q=0.1';

export type Scrape = ReturnType<typeof createScrape>;

/**
 * Reads the metrics of pods through the API server's pod proxy.
 *
 * @param about the pods' name in errors
 */
export function createScrape(
  pods: MeteredPods,
  about: string,
  { client, clock }: { readonly client: KubernetesClient; readonly clock: Clock },
) {
  const answered = new Map<string, number>();

  /** Asks all pods for metrics of the wanted names. */
  async function askAll(wanted: (name: string) => boolean, signal: AbortSignal): Promise<PodAnswer[]> {
    const answers = await inParallel(await pods(signal), (one) => askPod(one, wanted, signal), CONCURRENCY);
    if (answers.every(({ failure }) => failure !== undefined)) {
      throw new SluiceError('unreachable', {
        about,
        problem: `gave no metrics: ${answers.slice(0, 3).map(describeFailure).join(' ')}`,
        next: 'Check the port and the path of the metrics, and that the API server can reach the pods.',
      });
    }
    return answers;
  }

  async function askPod(
    { arm, pod, own }: PodOfArm,
    wanted: (name: string) => boolean,
    signal: AbortSignal,
  ): Promise<PodAnswer> {
    const nothing = { arm, pod, own, samples: [] };
    if (typeof pod.endpoint === 'string') return { ...nothing, failure: pod.endpoint };
    const { scheme, port, path } = pod.endpoint;
    const name = scheme === 'https' ? `https:${pod.name}` : pod.name;
    const target = { type: resources.pod, namespace: pod.namespace, name };
    try {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(POD_TIMEOUT)]);
      const text = await client.proxy(target, { port, path, headers: { accept: ACCEPT } }, bounded);
      const now = clock.now();
      answered.set(pod.name, (answered.get(pod.name) ?? 0) + 1);
      const unread: string[] = [];
      const samples = parseExposition(text, wanted, (problem) => unread.push(problem)).map(
        ({ labels, value, at }): Sample => ({
          labels: arm ? { ...labels, arm } : labels,
          value,
          at: at ?? now,
          instance: pod.name,
          ...(pod.startedAt !== undefined && { startedAt: pod.startedAt }),
        }),
      );
      return { ...nothing, samples, unread };
    } catch (error) {
      signal.throwIfAborted();
      // Without the right to use the proxy, waiting does not help.
      if (error instanceof ApiError && error.code === 'forbidden') throw error;
      return { ...nothing, failure: failureOf(error, port) };
    }
  }

  return {
    askAll,
    askPod,
    /** How often a pod has answered. */
    answersOf: (pod: string) => answered.get(pod) ?? 0,
  };
}

function failureOf(error: unknown, port: string): string {
  if (error instanceof ApiError && error.status === 404) return 'is gone, or does not serve this path';
  if (error instanceof SluiceError && error.code === 'bad-query') return error.problem;
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `did not answer on port ${port} within ${POD_TIMEOUT / 1_000} s`;
  return error instanceof Error ? error.message : 'did not answer';
}

/** Warnings about what could not be read. */
export function warningsOf(answers: readonly PodAnswer[]): string[] {
  return answers.flatMap((answer) => [
    ...(answer.failure === undefined ? [] : [describeFailure(answer)]),
    ...(answer.unread ?? []).map((failure) => describeFailure({ ...answer, failure })),
  ]);
}

function describeFailure({ pod, arm, failure }: PodAnswer): string {
  return `Pod ${pod.namespace}/${pod.name}${arm ? ` (${arm})` : ''} ${failure}.`;
}

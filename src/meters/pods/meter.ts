import type { Meter } from '../../canary/ports.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import { ApiError } from '../../cluster/errors.ts';
import { createInformer } from '../../cluster/informer.ts';
import { resources } from '../../cluster/resources.ts';
import type { Clock } from '../../core/clock.ts';
import { SluiceError } from '../../core/errors.ts';
import { once } from '../../core/lazy.ts';
import { inParallel } from '../../core/parallel.ts';
import {
  type Classifier,
  countersOf,
  createClassifier,
  isStableRequest,
  newestOf,
  type Sample,
} from '../counting/classify.ts';
import { boundsToRead, withBuckets } from '../counting/latency.ts';
import { requireErrors, tells } from '../counting/require-errors.ts';
import { createUntoldGuard } from '../counting/untold.ts';
import { createOriginOf, onlyOwn, ownTraffic } from '../own/own-paths.ts';
import { createClusterNames } from '../queries/cluster-names.ts';
import { type Catalog, explainNoSeries } from '../queries/no-series.ts';
import { type Queries, ruleVariants, stableBucketSelectors, stableRequestSelectors } from '../queries/queries.ts';
import type { Names, Rule } from '../queries/rules.ts';
import { createBaselineGuard, type History, readiness } from '../series/readiness.ts';
import { createFilter, createNameFilter, NAME } from '../series/selector.ts';
import { requireSteady, type Watched } from '../series/steady.ts';
import { parseExposition } from './exposition.ts';
import { type EndpointOptions, meteredPod } from './metrics-endpoint.ts';
import { createOwnLooks, ownOf } from './own-looks.ts';
import { CONCURRENCY, type PodAnswer, permissionsOf, refuseSharedPods, sourcesOf, usualPath } from './pod-sources.ts';

export interface PodsOptions extends EndpointOptions {
  readonly kind: 'pods';
  readonly names: Names;
  /** With own queries, each counts what its arm's pods show of it; only a gateway's must tell the arms apart. */
  readonly queries: Queries;
  readonly source:
    | {
        readonly kind: 'arms';
        /** Label selectors of the arms' pods, in the namespace of `names`. */
        readonly stable: string;
        readonly canary: string;
      }
    | { readonly kind: 'gateway'; readonly namespace: string; readonly selector: string };
  /** The latencies that are judged, in seconds: each a bound of the histogram's buckets. */
  readonly latencyBounds: readonly number[];
}

/** Milliseconds between two looks. */
const INTERVAL = 1_000;
/** Milliseconds for one pod's answer: a pod that hangs must not hold up the others for long. */
const POD_TIMEOUT = 2_000;
/** Looks of the preflight, until the counters are seen to grow. */
const PREFLIGHT_LOOKS = 15;
/** Of these the first ones come one right after the other: where several processes answer in turn, the counters fall. */
const QUICK_LOOKS = 10;
/** Milliseconds between two quick looks. */
const QUICK_INTERVAL = 60;
/** The format that is asked for; pods that only know OpenMetrics answer in it all the same. */
const ACCEPT = 'text/plain;version=0.0.4;q=1,*/*;q=0.1';

/**
 * Reads the metrics endpoints of the arms' pods, or of the gateway before them, through the API server's pod proxy: no
 * Prometheus is needed, and no scrape is waited for. The pods are known from a watch.
 *
 * @param signal Ends the watch.
 * @throws SluiceError `invalid-input` for default queries that the source can't answer.
 */
export function createPodsMeter(
  options: PodsOptions,
  { client, clock, signal: lifetime }: { client: KubernetesClient; clock: Clock; signal: AbortSignal },
): Meter {
  const { source, names, queries, latencyBounds } = options;
  const sources = sourcesOf(options);
  const informers = sources.map(({ arm, namespace, selector }) => ({
    arm,
    informer: createInformer(
      client,
      { type: resources.pod, namespace, selector: { labelSelector: selector } },
      lifetime,
      () => undefined,
    ),
  }));
  const about = sources.map(({ namespace, selector }) => `pods ${selector} in ${namespace}`).join(' and ');
  const guard = createBaselineGuard(about);
  const namesNow = createClusterNames(queries, names, undefined, { client, signal: lifetime });
  const untold = createUntoldGuard();
  const ownLooks = createOwnLooks(clock, async (answer, rules, signal) =>
    askPod(answer, createNameFilter(rules.map(({ selector }) => selector)), signal),
  );
  let ruled: Promise<Rule[][]> | undefined;
  let question: { readonly rules: readonly Rule[]; readonly classify: Classifier } | undefined;

  async function variants(signal: AbortSignal): Promise<Rule[][]> {
    const found = await namesNow(signal);
    ruled ??= ruleVariants(queries, names, source.kind === 'arms' ? 'pods' : 'prometheus', found);
    return ruled;
  }

  async function ask(wanted: (name: string) => boolean, signal: AbortSignal): Promise<PodAnswer[]> {
    const found = await Promise.all(
      informers.map(async ({ arm, informer }) =>
        (await informer.objects(signal)).flatMap((object) => {
          const pod = meteredPod(object, options, usualPath(queries));
          if (!pod) return [];
          const path = typeof pod.endpoint === 'string' ? undefined : pod.endpoint.path;
          return [{ arm, pod, own: ownTraffic(object, path) }];
        }),
      ),
    );
    const pods = found.flat();
    refuseSharedPods(pods);
    if (pods.length === 0) {
      throw new SluiceError('not-found', {
        about,
        problem: 'are not there, or do not run.',
        next: 'Check the label selectors and the namespace.',
      });
    }
    const answers = await inParallel(pods, (one) => askPod(one, wanted, signal), CONCURRENCY);
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
    { arm, pod, own }: Omit<PodAnswer, 'samples' | 'failure'>,
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
      const text = await client.proxy(target, port, path, bounded, { accept: ACCEPT });
      const now = clock.now();
      ownLooks.answered(pod.name);
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
      // Without the right to ask, no pod will ever answer.
      if (error instanceof ApiError && error.code === 'forbidden') throw error;
      return { ...nothing, failure: failureOf(error, port) };
    }
  }

  /** One look, with the first variant of the questions that the stable arm's requests answer to. */
  async function look(signal: AbortSignal) {
    if (question) {
      const { rules, classify } = question;
      const answers = await ask(createNameFilter(rules.map(({ selector }) => selector)), signal);
      return { answers, found: classify(ofUsers(answers, rules)) };
    }
    const candidates = await variants(signal);
    const answers = await ask(createNameFilter(candidates.flat().map(({ selector }) => selector)), signal);
    const samples = ofUsers(answers, candidates.flat());
    let chosen: readonly Rule[] | undefined;
    for (const rules of candidates) {
      const withoutBuckets = withBuckets(rules, [], []);
      const stable = createClassifier(withoutBuckets)(samples).filter(isStableRequest);
      if (stable.length === 0) continue;
      // A service may have two such metrics, of which one says how its requests ended.
      const telling = tells(
        rules,
        stable.map(({ sample }) => sample.labels),
      );
      if (telling || !chosen) chosen = rules;
      if (telling) break;
    }
    if (!chosen) return { answers, found: [] };
    const available = bucketsOf(chosen, samples);
    const asked = withBuckets(chosen, boundsToRead(latencyBounds, chosen, available), available);
    question = { rules: asked, classify: createClassifier(asked) };
    return { answers, found: question.classify(samples) };
  }

  /** Without what pods ask of themselves, where a label tells. What goes through a gateway comes from outside. */
  function ofUsers(answers: readonly PodAnswer[], rules: readonly Rule[]): Sample[] {
    const samples = answers.flatMap((answer) => answer.samples);
    if (source.kind === 'gateway') return samples;
    const originOf = createOriginOf(ownOf(answers), rules);
    return samples.filter(({ labels }) => originOf(labels) !== 'own');
  }

  /** Reads everything the pods show, but only when it is asked for. */
  function catalog(signal: AbortSignal): Catalog {
    const everything = once(async () => {
      const answers = await ask(() => true, signal);
      return answers.flatMap(({ samples }) => samples.map(({ labels }) => labels));
    });
    return {
      about,
      metricNames: async () => [...new Set((await everything()).map((labels) => labels[NAME] ?? ''))],
      series: async (selector) => (await everything()).filter(createFilter(selector)),
    };
  }

  async function explainNothing(answers: readonly PodAnswer[], signal: AbortSignal): Promise<SluiceError> {
    const candidates = await variants(signal);
    const samples = answers.flatMap((answer) => answer.samples);
    if (!candidates.some((rules) => createClassifier(withBuckets(rules, [], []))(samples).some(isStableRequest))) {
      return explainNoSeries(stableRequestSelectors(candidates), catalog(signal));
    }
    return onlyOwn(about, ownOf(answers));
  }

  return {
    kind: 'pods',
    source: `metrics endpoints of ${about}`,
    permissions: permissionsOf(sources),
    interval: INTERVAL,

    async preflight(signal) {
      const watched = { stable: new Map<string, Watched>(), canary: new Map<string, Watched>() };
      let notes: string[] = [];
      for (let looks = 1; ; looks += 1) {
        const { answers, found } = await look(signal);
        if (!question) throw await explainNothing(answers, signal);
        for (const { arm, counter, sample, starts } of found) {
          if (counter.kind !== 'requests') continue;
          const key = `${counter.instance} ${counter.series}`;
          const history = [...(watched[arm].get(key)?.history ?? []), counter];
          watched[arm].set(key, { name: sample.labels[NAME] ?? '', instance: counter.instance, history, starts });
        }
        if (looks === 1) {
          const requests = found.filter(isStableRequest).map(({ sample }) => sample.labels);
          notes = await requireErrors(question.rules, requests, catalog(signal));
        }
        const [stable, canary] = [[...watched.stable.values()], [...watched.canary.values()]];
        requireSteady([...stable, ...canary]);
        const histories = { stable: stable.map(historyOf), canary: canary.map(historyOf) };
        const result = readiness(
          `metrics of ${answers.length} ${source.kind === 'arms' ? 'pods' : 'gateway pods'}`,
          histories,
          [...notes, ...warningsOf(answers)],
        );
        if ((result.traffic && looks >= QUICK_LOOKS) || looks === PREFLIGHT_LOOKS) return result;
        await clock.sleep(looks < QUICK_LOOKS ? QUICK_INTERVAL : INTERVAL, signal);
      }
    },

    async read(signal) {
      const { answers, found } = await look(signal);
      const own =
        source.kind === 'arms' && question ? await ownLooks.count(answers, found, question, signal) : undefined;
      const { stable, canary } = guard({
        at: newestOf(found),
        stable: countersOf('stable', found),
        canary: countersOf('canary', found),
        warnings: warningsOf(answers),
      });
      const { known, warnings } = untold(found);
      return {
        at: newestOf(found),
        stable: known('stable') ? stable : [],
        canary: known('canary') ? canary : [],
        warnings: [...warningsOf(answers), ...warnings],
        ...(own && { own }),
      };
    },
  };
}

function historyOf({ history }: Watched): History {
  return history;
}

function bucketsOf(rules: readonly Rule[], samples: readonly Sample[]): string[] {
  const filters = stableBucketSelectors(rules).map(createFilter);
  const buckets = samples.filter(({ labels }) => filters.some((picks) => picks(labels)));
  return [...new Set(buckets.flatMap(({ labels }) => labels.le ?? []))];
}

function failureOf(error: unknown, port: string): string {
  if (error instanceof ApiError && error.status === 404) return 'is gone, or does not serve this path';
  if (error instanceof SluiceError && error.code === 'bad-query') return error.problem;
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `did not answer on port ${port} within ${POD_TIMEOUT / 1_000} s`;
  return error instanceof Error ? error.message : 'did not answer';
}

function warningsOf(answers: readonly PodAnswer[]): string[] {
  return answers.flatMap((answer) => [
    ...(answer.failure === undefined ? [] : [describeFailure(answer)]),
    ...(answer.unread ?? []).map((failure) => describeFailure({ ...answer, failure })),
  ]);
}

function describeFailure({ pod, arm, failure }: PodAnswer): string {
  return `Pod ${pod.namespace}/${pod.name}${arm ? ` (${arm})` : ''} ${failure}.`;
}

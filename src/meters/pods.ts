import { SluiceError } from '../canary/errors.ts';
import type { Arm, Clock, Meter, Permission, Reading } from '../canary/ports.ts';
import { ApiError, type KubernetesClient } from '../kubernetes/client.ts';
import { createMirror } from '../kubernetes/mirror.ts';
import { resources } from '../kubernetes/resources.ts';
import { type Classifier, countersOf, createClassifier, isStableRequest, newestOf, type Sample } from './classify.ts';
import { createClusterNames } from './cluster-names.ts';
import type { Names, Rule } from './default-queries.ts';
import { parseExposition } from './exposition.ts';
import { withBuckets } from './latency.ts';
import { type EndpointOptions, type MeteredPod, meteredPod } from './metrics-endpoint.ts';
import { type Catalog, explainNoSeries, requireErrors } from './no-series.ts';
import { once } from './once.ts';
import { type Queries, ruleVariants, stableBucketSelectors, stableRequestSelectors } from './queries.ts';
import { createBaselineGuard, type History, readiness } from './readiness.ts';
import { createFilter, createNameFilter, NAME } from './selector.ts';
import { requireSteady, type Watched } from './steady.ts';

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
/** Pods asked at once: they all pass through one API server. */
const CONCURRENCY = 8;
/** Looks of the preflight, until the counters are seen to grow. */
const PREFLIGHT_LOOKS = 15;
/** Of these the first ones come one right after the other: where several processes answer in turn, the counters fall. */
const QUICK_LOOKS = 10;
/** Milliseconds between two quick looks. */
const QUICK_INTERVAL = 60;
/** The format that is asked for; pods that only know OpenMetrics answer in it all the same. */
const ACCEPT = 'text/plain;version=0.0.4;q=1,*/*;q=0.1';

/** What a pod shows; `failure` says why there is nothing. */
interface PodAnswer {
  readonly pod: MeteredPod;
  readonly arm: Arm | undefined;
  readonly samples: readonly Sample[];
  readonly failure?: string;
  /** What of its page could not be read, though all that is needed was. */
  readonly unread?: readonly string[];
}

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
  const mirrors = sources.map(({ arm, namespace, selector }) => ({
    arm,
    mirror: createMirror(
      client,
      { type: resources.pod, namespace, selector: { labelSelector: selector } },
      lifetime,
      () => undefined,
    ),
  }));
  const about = sources.map(({ namespace, selector }) => `pods ${selector} in ${namespace}`).join(' and ');
  const guard = createBaselineGuard(about);
  const namesNow = createClusterNames(queries, names, undefined, { client, signal: lifetime });
  let ruled: Promise<Rule[][]> | undefined;
  let question: { readonly rules: readonly Rule[]; readonly classify: Classifier } | undefined;

  async function variants(signal: AbortSignal): Promise<Rule[][]> {
    const found = await namesNow(signal);
    ruled ??= ruleVariants(queries, names, source.kind === 'arms' ? 'pods' : 'prometheus', found);
    return ruled;
  }

  async function ask(wanted: (name: string) => boolean, signal: AbortSignal): Promise<PodAnswer[]> {
    const found = await Promise.all(
      mirrors.map(async ({ arm, mirror }) =>
        (await mirror.objects(signal)).flatMap((object) => {
          const pod = meteredPod(object, options, usualPath(queries));
          return pod ? [{ arm, pod }] : [];
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
    const answers = await mapConcurrently(pods, CONCURRENCY, ({ arm, pod }) => askPod(arm, pod, wanted, signal));
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
    arm: Arm | undefined,
    pod: MeteredPod,
    wanted: (name: string) => boolean,
    signal: AbortSignal,
  ): Promise<PodAnswer> {
    const nothing = { arm, pod, samples: [] };
    if (typeof pod.endpoint === 'string') return { ...nothing, failure: pod.endpoint };
    const { scheme, port, path } = pod.endpoint;
    const name = scheme === 'https' ? `https:${pod.name}` : pod.name;
    const target = { type: resources.pod, namespace: pod.namespace, name };
    try {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(POD_TIMEOUT)]);
      const text = await client.proxy(target, port, path, bounded, { accept: ACCEPT });
      const now = clock.now();
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
      return { answers, found: classify(answers.flatMap(({ samples }) => samples)) };
    }
    const candidates = await variants(signal);
    const answers = await ask(createNameFilter(candidates.flat().map(({ selector }) => selector)), signal);
    const samples = answers.flatMap((answer) => answer.samples);
    for (const rules of candidates) {
      const withoutBuckets = withBuckets(rules, [], []);
      if (!createClassifier(withoutBuckets)(samples).some(isStableRequest)) continue;
      const asked = withBuckets(rules, latencyBounds, bucketsOf(rules, samples));
      question = { rules: asked, classify: createClassifier(asked) };
      return { answers, found: question.classify(samples) };
    }
    return { answers, found: [] };
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
        if (!question) throw await explainNoSeries(stableRequestSelectors(await variants(signal)), catalog(signal));
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
      const reading: Reading = {
        at: newestOf(found),
        stable: countersOf('stable', found),
        canary: countersOf('canary', found),
        warnings: warningsOf(answers),
      };
      return guard(reading);
    },
  };
}

function historyOf({ history }: Watched): History {
  return history;
}

interface PodSource {
  /** Undefined for a gateway, whose metrics name the arm. */
  readonly arm: Arm | undefined;
  readonly namespace: string;
  readonly selector: string;
}

function sourcesOf({ source, names, queries }: PodsOptions): PodSource[] {
  if (source.kind === 'arms') {
    return [
      { arm: 'stable', namespace: names.namespace, selector: source.stable },
      { arm: 'canary', namespace: names.namespace, selector: source.canary },
    ];
  }
  if (['http', 'opentelemetry', 'linkerd'].includes(queries.kind)) {
    throw new SluiceError('invalid-input', {
      about: `default queries "${queries.kind}"`,
      problem: 'count in the pods of the arms; the metrics of a gateway do not tell its backends apart by them.',
      next: 'Use the queries of the gateway (istio, envoy, nginx, traefik), or read the pods of the arms.',
    });
  }
  return [{ arm: undefined, namespace: source.namespace, selector: source.selector }];
}

/** Envoy is asked for what is needed only: its statistics can be many megabytes. */
function usualPath({ kind }: Queries): string {
  if (kind === 'istio') return '/stats/prometheus';
  return kind === 'envoy' ? `/stats/prometheus?filter=${encodeURIComponent('upstream_rq_(.xx|time)$')}` : '/metrics';
}

function permissionsOf(sources: readonly PodSource[]): Permission[] {
  const namespaces = new Set(sources.map(({ namespace }) => namespace));
  return [...namespaces].flatMap((namespace) => [
    { apiGroup: '', resource: 'pods', verbs: ['list', 'watch'], namespace },
    { apiGroup: '', resource: 'pods', subresource: 'proxy', verbs: ['get'], namespace },
  ]);
}

function refuseSharedPods(pods: readonly { readonly pod: MeteredPod }[]): void {
  const seen = new Set<string>();
  for (const { pod } of pods) {
    if (seen.has(pod.name)) {
      throw new SluiceError('invalid-input', {
        about: `Pod ${pod.namespace}/${pod.name}`,
        problem: 'is picked by the label selectors of both arms.',
        next: 'Give each arm a label that the other does not have.',
      });
    }
    seen.add(pod.name);
  }
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

/** Maps with no more than `limit` calls under way. */
async function mapConcurrently<T, R>(items: readonly T[], limit: number, map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  async function work(): Promise<void> {
    for (const [index, item] of queue) results[index] = await map(item);
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work));
  return results;
}

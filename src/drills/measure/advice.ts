import { count, duration } from '../../core/wording.ts';
import type { JudgedFault } from './judged-fault.ts';
import type { TargetResult } from './targets.ts';

/** What is known of the service's configuration. A fact that was not looked at is left out, and says nothing. */
export interface ServiceFacts {
  /** The workload, as the user would name it: `Deployment shop/checkout`. */
  readonly workload: string;
  readonly replicas?: number;
  /** Whether a PodDisruptionBudget selects its pods. */
  readonly hasBudget?: boolean;
  /** Whether its route, or the mesh, sends a request again that failed. */
  readonly retries?: boolean;
  /** Whether its route, or the mesh, ends a request that takes too long. */
  readonly timeout?: boolean;
  readonly hasReadiness?: boolean;
  readonly hasPreStop?: boolean;
  /** Whether its pods are kept apart: by anti-affinity or a topology spread over nodes or zones. */
  readonly isSpread?: boolean;
  readonly outlierDetection?: boolean;
  readonly autoscaler?: boolean;
}

interface Problem {
  /** Whether the drill has shown something that this would mend. */
  readonly shown: (felt: Shown) => boolean;
  readonly found: (facts: ServiceFacts) => boolean;
  readonly advice: (facts: ServiceFacts, felt: Shown) => string;
}

/** What the drill has shown, over the faults that were felt. */
interface Shown {
  readonly lost: number;
  readonly kinds: ReadonlySet<string>;
  /** The subjects of targets that were not met: `recovery <= 30s`. */
  readonly failed: readonly TargetResult[];
  /** The slowest p95 during a fault, in milliseconds, and that before it. */
  readonly slowest: { readonly before: number; readonly during: number } | undefined;
}

/** Faults of the route itself tell nothing of pods, and Istio does not retry what it has injected. */
function hitsPods(kinds: ReadonlySet<string>): boolean {
  return [...kinds].some((kind) => !kind.startsWith('istio-'));
}

/** Kinds of faults that end pods. */
const ending = ['pod-kill', 'node-drain', 'scale-to-zero', 'pod-failure', 'container-kill'];

const problems: readonly Problem[] = [
  {
    shown: ({ lost, kinds }) => lost > 0 || endsPods(kinds),
    found: ({ replicas }) => replicas === 1,
    advice: ({ workload }) =>
      `${workload} has one replica, so that nothing serves while it is replaced: run at least two ("replicas: 2").`,
  },
  {
    shown: ({ lost, kinds }) => lost > 0 || endsPods(kinds),
    found: ({ hasBudget, replicas }) => hasBudget === false && replicas !== 1,
    advice: ({ workload }) =>
      `No PodDisruptionBudget covers ${workload}, so that a drain may take all its pods at once: add one with "maxUnavailable: 1".`,
  },
  {
    shown: ({ lost, kinds }) => lost > 0 && hitsPods(kinds),
    found: ({ retries }) => retries === false,
    advice: (_, { lost }) =>
      `Nobody retried the ${count(lost)} requests that failed: add retries to the route, for requests that may be repeated (Istio: "retries.attempts: 2" with "retryOn: connect-failure,refused-stream,unavailable,503").`,
  },
  {
    shown: ({ slowest }) => isSlow(slowest),
    found: ({ timeout }) => timeout === false,
    advice: (_, { slowest }) =>
      `Requests waited (p95 ${duration((slowest?.during ?? 0) / 1_000)} during the fault, ${duration((slowest?.before ?? 0) / 1_000)} before), and the route has no timeout: set one that is a little over the slowest good answer.`,
  },
  {
    shown: ({ lost, kinds }) => lost > 0 && hitsPods(kinds),
    found: ({ hasReadiness }) => hasReadiness === false,
    advice: ({ workload }) =>
      `${workload} has no readiness probe, so that pods get requests before they can answer: add a "readinessProbe".`,
  },
  {
    shown: ({ lost, kinds }) => lost > 0 && endsPods(kinds),
    found: ({ hasPreStop }) => hasPreStop === false,
    advice: ({ workload }) =>
      `Pods of ${workload} may end while requests are still sent to them: add a "preStop" hook that sleeps some seconds (Kubernetes 1.30 and later: "preStop.sleep.seconds: 5"), and let the program end its open requests on SIGTERM.`,
  },
  {
    shown: ({ lost, kinds }) => lost > 0 && kinds.has('node-drain'),
    found: ({ isSpread, replicas }) => isSpread === false && replicas !== 1,
    advice: ({ workload }) =>
      `The pods of ${workload} may all be on one node: add "topologySpreadConstraints" over "kubernetes.io/hostname".`,
  },
  {
    shown: ({ lost, kinds }) => lost > 0 && hitsPods(kinds) && !endsPods(kinds),
    found: ({ outlierDetection, replicas }) => outlierDetection === false && replicas !== 1,
    advice: () =>
      'Requests went on to pods that failed: let the mesh eject them (Istio: "outlierDetection" in the DestinationRule).',
  },
  {
    shown: ({ kinds, failed }) => kinds.has('cpu-stress') && failed.length > 0,
    found: ({ autoscaler }) => autoscaler === false,
    advice: ({ workload }) =>
      `No autoscaler adds pods to ${workload} under load: add a HorizontalPodAutoscaler, or more room for its load.`,
  },
];

/**
 * What to mend, one sentence each with the next step, the most basic first. Only what the facts show, and only where a fault that was felt
 * has shown that it matters; a fact that is not known gives nothing.
 */
export function advise(facts: ServiceFacts, faults: readonly JudgedFault[]): readonly string[] {
  const felt = faults.filter(({ effect }) => effect.felt === 'felt');
  if (felt.length === 0) return [];
  const shown: Shown = {
    lost: felt.reduce((sum, { measured }) => sum + (measured?.lost ?? 0), 0),
    kinds: new Set(felt.map(({ fault }) => fault.kind)),
    failed: felt.flatMap(({ targets }) => targets.filter(({ state }) => state === 'failed')),
    slowest: felt
      .flatMap(({ measured }) => {
        const { before, during } = measured?.latency ?? {};
        return before === undefined || during === undefined ? [] : [{ before: before.p95, during: during.p95 }];
      })
      .toSorted((a, b) => b.during - a.during)[0],
  };
  return problems
    .filter((problem) => problem.found(facts) && problem.shown(shown))
    .map((problem) => problem.advice(facts, shown));
}

function endsPods(kinds: ReadonlySet<string>): boolean {
  return ending.some((kind) => kinds.has(kind));
}

/** Whether answers took at least twice as long, and that is no trifle. */
function isSlow(slowest: Shown['slowest']): boolean {
  return slowest !== undefined && slowest.during >= 2 * slowest.before && slowest.during - slowest.before >= 100;
}

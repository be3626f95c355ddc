import { SluiceError } from '../../core/errors.ts';
import type { Permission } from '../../core/permission.ts';
import type { Arm } from '../../judge/readings.ts';
import type { Sample } from '../counting/classify.ts';
import type { OwnTraffic } from '../own/own-paths.ts';
import { envoyGivenUp } from '../queries/envoy.ts';
import type { Queries } from '../queries/queries.ts';
import type { PodsOptions } from './meter.ts';
import type { MeteredPod } from './metrics-endpoint.ts';

/** How many pods are asked at once: all answers pass through one API server. */
export const CONCURRENCY = 8;

/** The answer of a pod; `failure` says why there is none. */
export interface PodAnswer {
  readonly pod: MeteredPod;
  readonly arm: Arm | undefined;
  readonly samples: readonly Sample[];
  readonly failure?: string;
  /** Unreadable parts of its page, of which none is needed. */
  readonly unread?: readonly string[];
  readonly own: OwnTraffic | undefined;
}

/** What pods request from themselves. */
export function ownOf(answers: readonly PodAnswer[]): OwnTraffic[] {
  return answers.flatMap(({ own }) => own ?? []);
}

export interface PodSource {
  /** Undefined for a gateway, whose metrics name the arm. */
  readonly arm: Arm | undefined;
  readonly namespace: string;
  readonly selector: string;
}

export function sourcesOf({ source, names, queries }: PodsOptions): PodSource[] {
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

/** The needed statistics, by their names in Envoy itself. */
const envoyStatistics = `upstream_rq_(.xx|time)$|${envoyGivenUp.map((name) => `${name}$`).join('|')}`;

/** Envoy is asked only for the needed statistics: all of them can be many megabytes. */
export function usualPath({ kind }: Queries): string {
  if (kind === 'istio') return '/stats/prometheus';
  return kind === 'envoy' ? `/stats/prometheus?filter=${encodeURIComponent(envoyStatistics)}` : '/metrics';
}

export function permissionsOf(sources: readonly PodSource[]): Permission[] {
  const namespaces = new Set(sources.map(({ namespace }) => namespace));
  return [...namespaces].flatMap((namespace) => [
    { apiGroup: '', resource: 'pods', verbs: ['list', 'watch'], namespace },
    { apiGroup: '', resource: 'pods', subresource: 'proxy', verbs: ['get'], namespace },
  ]);
}

export function refuseSharedPods(pods: readonly { readonly pod: MeteredPod }[]): void {
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

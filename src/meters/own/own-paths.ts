import * as z from 'zod';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { SluiceError } from '../../core/errors.ts';
import { tryParseJson } from '../../core/json.ts';
import { trimEndOf } from '../../core/text.ts';
import type { Labels, Selector } from '../series/selector.ts';

/** The requests that a pod gets because of its own specification, without any user. */
export interface OwnTraffic {
  readonly pod: string;
  /** Paths of metrics and of HTTP probes, without queries. */
  readonly paths: readonly string[];
  /** HTTP probes a second, of all containers. */
  readonly probesPerSecond: number;
}

const probe = z.looseObject({
  httpGet: z.looseObject({ path: z.string().default('/') }).optional(),
  periodSeconds: z.number().positive().default(10),
});
type Probe = z.infer<typeof probe>;

const podShape = z.looseObject({
  metadata: z.looseObject({ name: z.string(), annotations: z.record(z.string(), z.string()).default({}) }),
  spec: z.looseObject({
    containers: z.array(
      z.looseObject({
        livenessProbe: probe.optional(),
        readinessProbe: probe.optional(),
        env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).default([]),
      }),
    ),
  }),
});

/** The probes that Istio's injection has replaced, as JSON in environment variables of its container. */
const rewritten = {
  ISTIO_KUBE_APP_PROBERS: z
    .record(z.string(), probe)
    .transform((probers) => Object.values(probers).flatMap(({ httpGet }) => httpGet?.path ?? [])),
  ISTIO_PROMETHEUS_ANNOTATIONS: z.looseObject({ path: z.string().optional() }).transform(({ path }) => path ?? []),
};

/** The usual paths of metrics: Prometheus' own default, and Spring's. */
const METRICS = ['/metrics', '/actuator/prometheus'];

/**
 * The requests that a pod gets because of its own specification; undefined if the object is not a pod. Startup probes are left
 * out, as they end before there is anything to judge.
 *
 * @param asked The path at which Sluice reads the pod's metrics.
 */
export function ownTraffic(object: KubernetesObject, asked: string | undefined): OwnTraffic | undefined {
  const pod = podShape.safeParse(object).data;
  if (!pod) return undefined;
  const { name, annotations } = pod.metadata;
  const probes = pod.spec.containers
    .flatMap(({ livenessProbe, readinessProbe }): (Probe | undefined)[] => [livenessProbe, readinessProbe])
    .flatMap((one) => (one?.httpGet ? [{ path: one.httpGet.path, perSecond: 1 / one.periodSeconds }] : []));
  const variables = pod.spec.containers.flatMap(({ env }) => env);
  const injected = Object.entries(rewritten).flatMap(([variable, shape]) => {
    const value = variables.find((one) => one.name === variable)?.value;
    return value === undefined ? [] : (shape.safeParse(tryParseJson(value)).data ?? []);
  });
  const paths = [
    ...METRICS,
    ...[asked, annotations['prometheus.io/path']].flatMap((path) => path ?? []),
    ...probes.map(({ path }) => path),
    ...injected,
  ];
  return {
    pod: name,
    paths: [...new Set(paths.map(pathOf))],
    probesPerSecond: probes.reduce((sum, { perSecond }) => sum + perSecond, 0),
  };
}

/**
 * Labels in which exporters write the path of a request. In `handler` and `endpoint` some write a name instead, which is then
 * not used.
 */
const pathLabels = [
  'path',
  'handler',
  'route',
  'uri',
  'endpoint',
  'http_route',
  'http_target',
  'url',
  'url_path',
  'url_rule',
  'request_path',
  'http_path',
  'target',
  'page',
  'view',
];

/** Who sent the requests that a series counts, as far as its labels tell. */
export type Origin = 'user' | 'own' | 'unknown';

/**
 * Distinguishes requests of users from those that pods get because of their own specification, by the exact path. The root
 * counts as the users' path, even if it is probed. Labels that a query asks for are not looked at.
 */
export function createOriginOf(
  own: readonly OwnTraffic[],
  rules: readonly { readonly selector: Selector }[],
): (labels: Labels) => Origin {
  const asked = new Set(rules.flatMap(({ selector }) => selector.map(({ label }) => label)));
  const telling = pathLabels.filter((label) => !asked.has(label));
  const paths = new Set(own.flatMap((pod) => pod.paths).filter((path) => path !== '/'));
  return (labels) => {
    const found = telling.flatMap((label) => (isPath(labels[label]) ? [pathOf(labels[label])] : []));
    if (found.length === 0) return 'unknown';
    return found.some((path) => paths.has(path)) ? 'own' : 'user';
  };
}

function isPath(value: string | undefined): value is string {
  return value !== undefined && /^(\/|https?:\/\/)/.test(value);
}

/** The path alone, without server, query and trailing slash. */
function pathOf(value: string): string {
  const [path = ''] = value.replace(/^https?:\/\/[^/]*/, '').split(/[?#]/);
  return trimEndOf(path, '/') || '/';
}

/** The error for counters that count no requests of users. */
export function onlyOwn(about: string, own: readonly OwnTraffic[]): SluiceError {
  const paths = [...new Set(own.flatMap((pod) => pod.paths))].filter((path) => path !== '/');
  return new SluiceError('bad-query', {
    about,
    problem: `shows no request of a user, only such as the pods get by their own specification (${paths.join(', ')}).`,
    next: 'Send a request to the stable arm, and see that it is counted.',
  });
}

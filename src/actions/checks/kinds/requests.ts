import * as z from 'zod';
import type { Arm } from '../../../judge/readings.ts';
import { type DefaultQueries, metricsPresets } from '../../../meters/queries/default-queries.ts';
import { duration, route } from '../../../runner/input-types.ts';
import { requestsSource } from '../../../sources/requests.ts';
import { type CheckPlace, checkKind, commonSettings } from '../check-kind.ts';
import { must, scalar } from '../check-list.ts';
import { LONGEST_WINDOW, type RateSettings, rateProblem, rateRule, rateSettings, refuse } from '../rules.ts';
import { compareSources } from './counting.ts';

// biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of queries
const NAMESPACE = '${namespace}';

const workload = z
  .string(must('a workload such as deployment/checkout'))
  .pipe(route('deployment', 'statefulset').schema);
const service = z.string(must('the name of a Service')).min(1, must('the name of a Service'));

type Workload = z.infer<typeof workload>;

/** The metrics that name Services; the others name workloads, or their pods. */
const ofServices: readonly string[] = ['envoy', 'nginx', 'traefik'] satisfies DefaultQueries['kind'][];
/** Those that the pods count themselves, what they get without a user included. */
const ofPods: readonly string[] = ['linkerd', 'http', 'opentelemetry'] satisfies DefaultQueries['kind'][];

interface RequestsSettings extends RateSettings {
  readonly metrics: DefaultQueries['kind'];
  readonly reporter?: 'source' | 'destination' | 'waypoint' | undefined;
  readonly workload?: Workload | undefined;
  readonly service?: string | undefined;
  readonly 'stable-workload'?: Workload | undefined;
  readonly 'stable-service'?: string | undefined;
  readonly 'slower-than'?: number | undefined;
}

/** Requests that failed, or were slow, out of all: by the metrics of a mesh, a gateway or the service, without a query. */
export const requestsCheck = checkKind({
  kind: 'requests',
  schema: z
    .strictObject({
      check: z.literal('requests'),
      ...commonSettings,
      ...rateSettings,
      metrics: z.enum(metricsPresets, must(metricsPresets.join(', '))),
      reporter: z.enum(['source', 'destination', 'waypoint'], must('source, destination or waypoint')).optional(),
      workload: workload.optional(),
      service: service.optional(),
      'stable-workload': workload.optional(),
      'stable-service': service.optional(),
      /** Milliseconds. */
      'slower-than': scalar.pipe(duration.schema).optional(),
    })
    .superRefine(refuse(problemOf)),
  isStatistical: true,
  example: '{check: requests, metrics: istio, workload: deployment/checkout, limit: 1%}',
  build(settings, place) {
    const slowerThan = settings['slower-than'];
    return {
      ...compareSources(settings, place, (arm) => sourceOf(settings, place, arm)),
      rule: rateRule(settings, place, {
        counted: 'requests',
        failing: slowerThan === undefined ? 'failed' : 'were slow',
      }),
    };
  },
});

function sourceOf(settings: RequestsSettings, place: CheckPlace, arm: Arm) {
  const { metrics, 'slower-than': slowerThan } = settings;
  const isCompared = settings['relative-to'] === 'stable';
  const measured = namesOf(settings.workload, settings.service);
  const stable = isCompared ? namesOf(settings['stable-workload'], settings['stable-service']) : measured;
  const { kind = 'deployment', name } = (arm === 'stable' ? settings['stable-workload'] : settings.workload) ?? {
    name: '',
  };
  return requestsSource(
    {
      metrics: queriesOf(settings),
      names: { namespace: place.expand(NAMESPACE, arm), stable, canary: measured },
      // Metrics of a gateway may know a canary by what it stands for: alone, a version is counted as one that serves.
      arm: isCompared ? arm : 'stable',
      ...(slowerThan !== undefined && { slowerThan: slowerThan / 1_000 }),
      ...(ofPods.includes(metrics) && { pods: { target: { kind, name }, place: place.cluster() } }),
    },
    place.prometheus(),
    place.world,
  );
}

function namesOf(named: Workload | undefined, service: string | undefined) {
  return { workload: named?.name ?? '', ...(service !== undefined && { service }) };
}

function queriesOf({ metrics, reporter = 'source' }: RequestsSettings): DefaultQueries {
  if (metrics === 'istio') return { kind: metrics, reporter, by: 'workload' };
  return { kind: metrics };
}

function problemOf(settings: RequestsSettings): string | undefined {
  const { metrics, reporter, 'relative-to': relativeTo } = settings;
  const needed = ofServices.includes(metrics) ? 'service' : 'workload';
  if (settings[needed] === undefined)
    return `needs "${needed}", by which the metrics of ${metrics} tell requests apart`;
  if ((relativeTo === 'stable') !== (settings[`stable-${needed}`] !== undefined))
    return `needs "relative-to: stable" and "stable-${needed}", what it is compared with, together`;
  if (reporter !== undefined && metrics !== 'istio') return '"reporter" has no effect without "metrics: istio"';
  if (settings['slower-than'] === 0) return 'has a "slower-than" of 0s, which every request is';
  if ((settings.window ?? 0) > LONGEST_WINDOW) return 'has a "window" of more than 1h: use burn-rate for longer times';
  return rateProblem(settings);
}

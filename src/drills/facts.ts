import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { permissionTo } from '../cluster/permissions.ts';
import { describe, type ResourceType, resources } from '../cluster/resources.ts';
import { type KubernetesObject, kubernetesObject } from '../cluster/schema.ts';
import { labelSelector, selects } from '../cluster/selectors.ts';
import { isSluiceError } from '../core/errors.ts';
import { tryShape } from '../core/json.ts';
import type { Permission } from '../core/permission.ts';
import type { ServiceFacts } from './measure/advice.ts';

/** Milliseconds for all that is read: advice is worth no more. */
const DEADLINE = 10_000;

const container = z.looseObject({
  readinessProbe: z.unknown().optional(),
  lifecycle: z.looseObject({ preStop: z.unknown().optional() }).optional(),
});
const workload = z.looseObject({
  ...kubernetesObject.shape,
  spec: z.looseObject({
    replicas: z.number().default(1),
    template: z.looseObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()).default({}) }).prefault({}),
      spec: z.looseObject({
        containers: z.array(container).default([]),
        affinity: z.looseObject({ podAntiAffinity: z.unknown().optional() }).nullish(),
        topologySpreadConstraints: z.array(z.unknown()).nullish(),
      }),
    }),
  }),
});
const budget = z.looseObject({ spec: z.looseObject({ selector: labelSelector.optional() }) });
const autoscaler = z.looseObject({ spec: z.looseObject({ scaleTargetRef: z.looseObject({ name: z.string() }) }) });
const virtualService = z.looseObject({
  spec: z.looseObject({
    http: z
      .array(
        z.looseObject({
          retries: z.looseObject({ attempts: z.number().optional() }).optional(),
          timeout: z.string().optional(),
          route: z.array(z.looseObject({ destination: z.looseObject({ host: z.string() }) })).default([]),
        }),
      )
      .default([]),
  }),
});
const destinationRule = z.looseObject({
  spec: z.looseObject({
    host: z.string(),
    trafficPolicy: z.looseObject({ outlierDetection: z.unknown().optional() }).optional(),
  }),
});

export interface ServicePlace {
  readonly namespace: string;
  /** Name of the workload, and of its Service. */
  readonly service: string;
}

/** Kinds that are read; a missing right only means less advice. */
const looked = [
  resources.podDisruptionBudget,
  resources.horizontalPodAutoscaler,
  resources.virtualService,
  resources.destinationRule,
];

export function factPermissions({ namespace }: ServicePlace): readonly Permission[] {
  return [
    { ...permissionTo(['get'], resources.deployment, namespace), optional: true },
    { ...permissionTo(['get'], resources.statefulSet, namespace), optional: true },
    ...looked.map((type) => ({ ...permissionTo(['list'], type, namespace), optional: true })),
  ];
}

/** What the cluster shows of a service. What can't be read is left out. */
export async function factsOf(
  client: Pick<KubernetesClient, 'find' | 'list'>,
  { namespace, service }: ServicePlace,
  signal: AbortSignal,
): Promise<ServiceFacts | undefined> {
  const during = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE)]);
  const list = (type: ResourceType) => known(client.list(type, namespace, {}, during));
  const find = (type: ResourceType) => known(client.find({ type, namespace, name: service }, during));
  const object = (await find(resources.deployment)) ?? (await find(resources.statefulSet));
  const found = tryShape(workload, object);
  if (!found || !object) return undefined;
  const [budgets, autoscalers, routes, rules] = await Promise.all(looked.map(list));
  const { replicas, template } = found.spec;
  const { labels } = template.metadata;
  const { containers, affinity, topologySpreadConstraints } = template.spec;
  return {
    workload: describe({ type: { apiVersion: 'apps/v1', kind: found.kind, plural: '' }, namespace, name: service }),
    replicas,
    ...(budgets && {
      hasBudget: shaped(budget, budgets).some(({ spec: { selector } }) => selector && selects(selector, labels)),
    }),
    ...(autoscalers && {
      autoscaler: shaped(autoscaler, autoscalers).some(({ spec }) => spec.scaleTargetRef.name === service),
    }),
    ...(routes && ofRoutes(shaped(virtualService, routes), service)),
    ...(rules && ofRules(shaped(destinationRule, rules), service)),
    hasReadiness: containers.some(({ readinessProbe }) => readinessProbe !== undefined),
    hasPreStop: containers.some(({ lifecycle }) => lifecycle?.preStop !== undefined),
    isSpread: affinity?.podAntiAffinity !== undefined || (topologySpreadConstraints ?? []).length > 0,
  };
}

/** Undefined for what can't be read, such as a kind that is not served. */
async function known<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isSluiceError(error) || (error instanceof Error && error.name === 'TimeoutError')) return undefined;
    throw error;
  }
}

function shaped<S extends z.ZodType>(shape: S, objects: readonly KubernetesObject[]): z.infer<S>[] {
  return objects.flatMap((object) => tryShape(shape, object) ?? []);
}

const leadsTo = (host: string, service: string) => host.split('.', 1)[0] === service;

/** Istio retries twice where a rule says nothing, so that only `attempts: 0` is none. */
function ofRoutes(
  all: readonly z.infer<typeof virtualService>[],
  service: string,
): Pick<ServiceFacts, 'retries' | 'timeout'> {
  const rules = all
    .flatMap(({ spec }) => spec.http)
    .filter(({ route }) => route.some(({ destination }) => leadsTo(destination.host, service)));
  if (rules.length === 0) return {};
  return {
    retries: rules.every(({ retries }) => retries?.attempts !== 0),
    timeout: rules.every(({ timeout }) => timeout !== undefined),
  };
}

function ofRules(
  all: readonly z.infer<typeof destinationRule>[],
  service: string,
): Pick<ServiceFacts, 'outlierDetection'> {
  const rules = all.filter(({ spec }) => leadsTo(spec.host, service));
  if (rules.length === 0) return {};
  return { outlierDetection: rules.some(({ spec }) => spec.trafficPolicy?.outlierDetection !== undefined) };
}

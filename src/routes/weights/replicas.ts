import * as z from 'zod';
import type { Router, RouteSnapshot } from '../../canary/ports.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import { type GitOpsSetting, refuseGitOps } from '../../cluster/gitops.ts';
import { relinquishFields } from '../../cluster/managed-fields.ts';
import { permissionTo } from '../../cluster/permissions.ts';
import { pod } from '../../cluster/pods.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, type ObjectReference, resources } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { type Labels, selects } from '../../cluster/selectors.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import type { Arm } from '../../judge/readings.ts';
import { listSlices, podsInSlices } from '../../workloads/endpoints.ts';
import { autoscaler } from '../../workloads/scaling.ts';
import { getNamed } from '../objects/lookup.ts';
import { confirmWith } from './confirm.ts';
import { createPodCounts, type PodsAsFound, replicasOf, workload } from './pod-counts.ts';
import { createPodSnapshots, podCounts } from './recorded-pods.ts';
import { attainableBy, describeApproximation, type Pods, planPods, weightOfPods } from './replicas-plan.ts';
import { createShareMemory } from './share.ts';
import type { RouterDependencies } from './weighted-route.ts';

interface WorkloadName {
  readonly kind: 'Deployment' | 'StatefulSet';
  readonly name: string;
}

export interface ReplicasOptions {
  readonly kind: 'replicas';
  readonly namespace: string;
  /** The Service that selects the pods of both arms. */
  readonly service: string;
  readonly stable: WorkloadName;
  readonly canary: WorkloadName;
  readonly canaryIsCreated?: boolean;
  readonly gitops?: GitOpsSetting;
}

/** Milliseconds between two looks at pods that must become ready. */
const INTERVAL = 250;

const replicasField = {
  path: ['spec', 'replicas'],
  // Manifests in Git may omit the field; then no GitOps controller resets it.
  appliedWith: ['spec', 'replicas'],
  pointers: ['/spec/replicas'],
  jq: ['.spec.replicas'],
};

const types = { Deployment: resources.deployment, StatefulSet: resources.statefulSet };

/**
 * The Router without a mesh: one Service distributes requests over the pods of both arms, and the numbers of pods approximate
 * the weight.
 */
export function createReplicasRouter(options: ReplicasOptions, dependencies: RouterDependencies): Router {
  const { client, clock } = dependencies;
  const { namespace } = options;
  const service: ObjectReference = { type: resources.service, namespace, name: options.service };
  const about = describe(service);
  const shares = createShareMemory();
  const referenceOf = (arm: Arm): ObjectReference => ({
    type: types[options[arm].kind],
    namespace,
    name: options[arm].name,
  });

  async function inspect(signal: AbortSignal): Promise<RouteSnapshot> {
    const { spec } = readObject(await getNamed(client, service, signal), serviceSchema);
    const stable = await getNamed(client, referenceOf('stable'), signal);
    const canary = options.canaryIsCreated
      ? await client.find(referenceOf('canary'), signal)
      : await getNamed(client, referenceOf('canary'), signal);
    for (const [arm, object] of [['stable', stable] as const, ['canary', canary] as const]) {
      if (object === undefined) continue;
      refuseUnselected(about, spec.selector, referenceOf(arm), object);
      if (options.gitops !== 'ignore-rule-present') refuseGitOps(object, referenceOf(arm), replicasField);
    }
    await refuseAutoscaled(client, options, signal);

    const found: Pods = { stable: replicasOf(stable), canary: canary === undefined ? 0 : replicasOf(canary) };
    if (found.stable + found.canary === 0)
      throw new SluiceError('unsupported', {
        about: describe(referenceOf('stable')),
        problem: 'has no pods, so pod counts are no weight.',
        next: 'Scale it to at least one pod.',
      });
    return snapshots.own({ router: 'replicas', object: about, weight: weightOfPods(found), data: { ...found } });
  }

  const { read, approach } = createPodCounts(client, referenceOf);
  const snapshots = createPodSnapshots({ place: { namespace, rollout: options.service }, object: about, read });

  async function asFound(snapshot: RouteSnapshot, signal: AbortSignal): Promise<PodsAsFound> {
    return totalled(await snapshots.read(snapshot, signal));
  }

  return {
    kind: 'replicas',
    object: about,
    permissions: [
      permissionTo(['get'], resources.service, namespace),
      ...[...new Set([types[options.stable.kind], types[options.canary.kind]])].map((type) =>
        permissionTo(['get', 'patch'], type, namespace),
      ),
      permissionTo(['list'], resources.pod, namespace),
      permissionTo(['list'], resources.endpointSlice, namespace),
      permissionTo(['list'], resources.horizontalPodAutoscaler, namespace),
    ],
    inspect,
    verifyRecorded: snapshots.verify,

    attainable: (snapshot, weight) => attainableBy(parse(snapshot).total, weight),

    preview(snapshot, weight) {
      const { found, total } = parse(snapshot);
      const planned = planPods(total, weight);
      return (['canary', 'stable'] as const).map((arm) => {
        const replicas = (pods: Pods): Json => ({ spec: { replicas: pods[arm] } });
        return {
          object: describe(referenceOf(arm)),
          action: 'update' as const,
          before: replicas(found),
          after: replicas(planned),
        };
      });
    },

    async shift(snapshot, from, to, signal) {
      // `confirm` does the steps that must wait for ready pods.
      const pods = await asFound(snapshot, signal);
      await approach(pods, planPods(pods.total, to), [from, to], signal);
    },

    async weight(snapshot, signal) {
      const { found, total } = await asFound(snapshot, signal);
      const { stable, canary } = await read(signal);
      if (stable === undefined) return undefined;
      const pods: Pods = { stable: replicasOf(stable), canary: canary === undefined ? 0 : replicasOf(canary) };
      if (pods.stable === found.stable && pods.canary === found.canary) return snapshot.weight;
      if (pods.stable > total || pods.stable + pods.canary < total) return undefined;
      // More canary pods than that are being prepared for a higher weight. With one pod found, this can't be distinguished.
      return weightOfPods(total === 1 ? pods : { stable: pods.stable, canary: total - pods.stable });
    },

    async restore(snapshot, expected, signal) {
      const pods = await asFound(snapshot, signal);
      while (!(await approach(pods, pods.found, expected, signal))) await clock.sleep(INTERVAL, signal);
    },

    async relinquish(_, signal) {
      await Promise.all(
        (['stable', 'canary'] as const).map((arm) => relinquishFields(client, referenceOf(arm), signal)),
      );
    },

    async confirm(snapshot, weight, signal) {
      const { found, total } = await asFound(snapshot, signal);
      const target = weight === snapshot.weight ? found : planPods(total, weight);
      // The share of requests follows the number of pods, even if that is far from the requested weight.
      const subject = { about, weight: weightOfPods(target), shares, ...dependencies };
      return confirmWith(subject, signal, async () => {
        if (!(await approach({ found, total }, target, [weight], signal))) return { awaits: 'ready pods to take over' };
        const ready = await readyPods(client, options, await read(signal), signal);
        const shown = `${ready.stable} stable and ${ready.canary} canary endpoints of ${target.stable} and ${target.canary}`;
        if (ready.stable !== target.stable || ready.canary !== target.canary) return { awaits: `ready ${shown}` };
        return { followed: true, evidence: `${describeApproximation(target, weight)}; ready: ${shown}` };
      });
    },
  };
}

/** Reads a snapshot that this process has made. */
function parse(snapshot: RouteSnapshot): PodsAsFound {
  return totalled(podCounts.parse(snapshot.data));
}

function totalled(found: Pods): PodsAsFound {
  return { found, total: found.stable + found.canary };
}

const labels = z.record(z.string(), z.string());

const serviceSchema = z.looseObject({ spec: z.looseObject({ selector: labels.default({}) }) });

function refuseUnselected(about: string, selector: Labels, reference: ObjectReference, object: KubernetesObject): void {
  const podLabels = readObject(object, workload).spec.template.metadata?.labels ?? {};
  if (Object.keys(selector).length > 0 && selects({ matchLabels: selector }, podLabels)) return;
  const missing = Object.entries(selector).map(([name, value]) => `${name}=${value}`);
  throw new SluiceError('unsupported', {
    about,
    problem: `does not select the pods of ${describe(reference)} (its selector is ${missing.join(', ') || 'empty'}).`,
    next: 'Without a mesh one Service must select the pods of both arms: widen its selector, or use another router.',
  });
}

async function refuseAutoscaled(
  client: KubernetesClient,
  { namespace, stable, canary }: ReplicasOptions,
  signal: AbortSignal,
): Promise<void> {
  for (const object of await client.list(resources.horizontalPodAutoscaler, namespace, {}, signal)) {
    const { kind, name } = readObject(object, autoscaler).spec.scaleTargetRef;
    if (![stable, canary].some((arm) => arm.kind === kind && arm.name === name)) continue;
    throw new SluiceError('unsupported', {
      about: `${kind} ${namespace}/${name}`,
      problem: `is scaled by HorizontalPodAutoscaler ${object.metadata.name}, so its pod count is no weight.`,
      next: 'Use a router that has weights (Istio, Gateway API, ingress-nginx, Traefik), or take the autoscaler away.',
    });
  }
}

/** How many ready endpoints of the Service are pods of each arm. */
async function readyPods(
  client: KubernetesClient,
  { namespace, service }: ReplicasOptions,
  workloads: { readonly stable: KubernetesObject | undefined; readonly canary: KubernetesObject | undefined },
  signal: AbortSignal,
): Promise<Pods> {
  const [slices, pods] = await Promise.all([
    listSlices(client, namespace, service, signal),
    client.list(resources.pod, namespace, {}, signal),
  ]);
  const listed = podsInSlices(
    slices,
    pods.map((object) => readObject(object, pod)),
  );
  const selectorOf = (object: KubernetesObject | undefined) => object && readObject(object, workload).spec.selector;
  const [ofStable, ofCanary] = [selectorOf(workloads.stable), selectorOf(workloads.canary)];
  const serving = listed.map(({ metadata }) => metadata.labels ?? {});
  // The stable workload's selector may select the canary's pods as well.
  const canary = serving.filter((labels) => ofCanary && selects(ofCanary, labels));
  const stable = serving.filter((labels) => ofStable && selects(ofStable, labels) && !canary.includes(labels));
  return { stable: stable.length, canary: canary.length };
}

import { createHash } from 'node:crypto';
import type { RolloutOptions } from '../../canary/options.ts';
import { formatDuration } from '../../core/duration.ts';
import { longestTime, type Plan } from '../../judge/plan.ts';
import { unsafeConnection } from '../../remote/unsafe-connection.ts';
import type { DerivedRelease, ExistingWorkloads } from '../../workloads/arms/arms.ts';
import { parseConfigManifests } from '../../workloads/config-copies.ts';
import { prometheusConnection } from '../checks/prometheus-inputs.ts';
import { routerOf } from './contradictions.ts';
import type { CanaryInputs } from './inputs.ts';
import type { LoadedInputs } from './load-inputs.ts';
import { servicesOf } from './router-options.ts';

/** What is released: two workloads that exist, or a new version of one. */
export type Target =
  | { readonly kind: 'existing'; readonly workloads: ExistingWorkloads }
  | { readonly kind: 'derived'; readonly release: DerivedRelease };

/**
 * The target of the release, with the content of the `config-files`.
 *
 * @throws SluiceError `invalid-input` for files that are no manifests of ConfigMaps and Secrets
 */
export function targetOf({ inputs, config }: Pick<LoadedInputs, 'inputs' | 'config'>, namespace: string): Target {
  const { workload, stable, canary, gitops } = inputs;
  const services = servicesOf(inputs);
  const router = routerOf(inputs);
  const joinService = router === 'replicas';
  if (stable && canary) {
    const named = { stable: services.stable.name || undefined, canary: services.canary.name || undefined };
    const returns = inputs.mode === 'shift' || inputs.mode === 'finish';
    return { kind: 'existing', workloads: { stable, canary, services: named, joinService, returns, gitops } };
  }
  if (!workload) throw new TypeError('neither a workload nor two arms: contradictionsOf() refuses this');
  return {
    kind: 'derived',
    release: {
      workload,
      images: inputs.image ?? new Map(),
      config: config.flatMap((text) => parseConfigManifests(text, namespace)),
      service: services.stable.name,
      joinService,
      ...(router === 'istio' && { istio: { subset: inputs['stable-subset'] } }),
      minReplicas: inputs['canary-min-replicas'] ?? 1,
      gitops,
    },
  };
}

/** The options of the rollout. */
export function rolloutSettings(
  inputs: CanaryInputs,
  plan: Plan,
): Omit<RolloutOptions, 'id' | 'fingerprint' | 'startedBy'> {
  return {
    // What earlier runs have left is undone the same way in every mode.
    mode: inputs.mode === 'undo' || inputs.mode === 'discard-record' ? 'release' : inputs.mode,
    plan,
    onNoData: inputs['on-no-data'],
    noDataPatience: inputs['no-data-patience'],
    minRequests: inputs['min-requests'],
    onInterrupted: inputs['on-interrupted'],
    timeout: inputs.timeout,
    confirmTimeout: inputs['confirm-timeout'],
    readyTimeout: inputs['ready-timeout'] + (inputs['image-timeout'] ?? 0),
    undoTimeout: inputs['undo-timeout'],
  };
}

/** Warnings before a rollout starts: it may not finish in time, or others may read its credentials. */
export function startWarnings(inputs: CanaryInputs, plan: Plan): string[] {
  const longest = longestTime(plan);
  const [needed, given] = [formatDuration(longest), formatDuration(inputs.timeout)];
  const isLate = longest > inputs.timeout;
  return [
    ...(isLate ? [`The plan may take ${needed}, but the rollout is undone after ${given} ("timeout").`] : []),
    ...unsafePrometheus(inputs),
  ];
}

function unsafePrometheus(inputs: CanaryInputs): string[] {
  const warning = unsafeConnection('Prometheus', prometheusConnection(inputs));
  return warning === undefined ? [] : [warning];
}

/** Identifies a release: the same release has the same fingerprint, whatever its patience or credentials. */
export function fingerprintOf(
  { inputs, plan, config }: Pick<LoadedInputs, 'inputs' | 'plan' | 'config'>,
  namespace: string,
): string {
  const { workload, image, stable, canary, service, router, route } = inputs;
  const subject = {
    namespace,
    plan,
    workload,
    image: image && [...image],
    config,
    stable,
    canary,
    service,
    router,
    route,
    rules: inputs['route-rules'],
    services: [inputs['stable-service'], inputs['canary-service']],
    subsets: [inputs['stable-subset'], inputs['canary-subset']],
  };
  return createHash('sha256').update(JSON.stringify(subject)).digest('hex');
}

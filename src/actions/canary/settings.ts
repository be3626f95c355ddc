import type { RolloutOptions } from '../../canary/options.ts';
import type { GaugeQueries } from '../../canary/world.ts';
import { formatDuration } from '../../core/duration.ts';
import type { Check, PanelOptions } from '../../judge/panel.ts';
import { longestTime, type Plan } from '../../judge/plan.ts';
import type { Arm } from '../../judge/readings.ts';
import type { OnBreach } from '../../judge/types.ts';
import type { MeterOptions } from '../../meters/index.ts';
import type { PrometheusConnection } from '../../meters/prometheus/api.ts';
import { expand, type OwnQueries } from '../../meters/queries/own-queries.ts';
import type { Queries } from '../../meters/queries/queries.ts';
import type { Names } from '../../meters/queries/rules.ts';
import type { IstioDestination, RouterOptions, ServiceReference } from '../../routes/weights/index.ts';
import type { PerArm, ServiceInput } from '../../runner/input-types.ts';
import type { ArmTarget } from '../../workloads/arm-view.ts';
import type { DerivedRelease, ExistingWorkloads } from '../../workloads/arms/arms.ts';
import { canaryName } from '../../workloads/canary-workload.ts';
import { parseConfigManifests } from '../../workloads/config-copies.ts';
import { meterOf, metricsOf, routerOf } from './contradictions.ts';
import type { CanaryInputs } from './inputs.ts';
import type { LoadedInputs } from './load-inputs.ts';

/** The workloads that the inputs name, as they were found in the cluster. */
export type Workloads = Readonly<Record<Arm, Pick<ArmTarget, 'kind' | 'name' | 'pods'>>>;

/** Where the release takes place. */
export interface Place {
  readonly namespace: string;
  readonly workloads: Workloads;
}

/** The checks of the panel, and what else of them the rollout needs. */
export interface JudgeSettings {
  readonly checks: readonly Check[];
  readonly panel: PanelOptions;
  readonly gauges: readonly GaugeQueries[];
  readonly onPodProblem: OnBreach;
}

const leastRequests = 100;

/** What is released: two workloads that exist, or a new version of one. */
export type Target =
  | { readonly kind: 'existing'; readonly workloads: ExistingWorkloads }
  | { readonly kind: 'derived'; readonly release: DerivedRelease };

/**
 * What is released, with the content of the `config-files`.
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

/** The inputs that say what moves the traffic, and between which Services. */
export type RouteInputs = Pick<
  CanaryInputs,
  | 'workload'
  | 'router'
  | 'route'
  | 'route-rules'
  | 'service'
  | 'stable-service'
  | 'canary-service'
  | 'stable-subset'
  | 'canary-subset'
  | 'canary-ingress'
  | 'gitops'
>;

/** The router's options. */
export function routerOptions(inputs: RouteInputs, { namespace, workloads }: Place): RouterOptions {
  const { gitops, route } = inputs;
  const common = { namespace, name: route?.name ?? '', gitops, canaryIsCreated: inputs.workload !== undefined };
  const rules = inputs['route-rules'];
  const weighted = { ...common, ...(rules && { rules }) };
  const services = servicesOf(inputs);
  switch (routerOf(inputs)) {
    // The kind of the router is known: the inputs have been found to be free of contradictions.
    case undefined:
    case 'istio':
      return { kind: 'istio', ...weighted, ...istioDestinations(inputs, services) };
    case 'gateway-api': {
      const kind = route?.kind === 'grpcroute' ? 'GRPCRoute' : 'HTTPRoute';
      return { kind: 'gateway-api', ...weighted, route: kind, ...references(services) };
    }
    case 'nginx': {
      const canaryIngress = inputs['canary-ingress']?.name ?? canaryName(common.name);
      return { kind: 'nginx', ...common, canaryIngress, stable: services.stable.name, canary: services.canary.name };
    }
    case 'traefik':
      return { kind: 'traefik', ...common, ...references(services) };
    case 'replicas': {
      const { name: _, ...rest } = common;
      return { kind: 'replicas', ...rest, service: services.stable.name, ...workloads };
    }
  }
}

/** The meter's options; thresholds and latency bounds are those of the checks. */
export function meterOptions(inputs: CanaryInputs, place: Place): MeterOptions {
  if (meterOf(inputs) === 'none') return { kind: 'none' };
  const { namespace, workloads } = place;
  const { checks, gauges } = judgeSettings(inputs, { steps: [] }, place);
  const common = {
    names: namesOf(inputs, place),
    queries: queriesOf(inputs),
    latencyBounds: checks.flatMap((check) => (check.kind === 'latency' ? [check.bound] : [])),
  };
  if (meterOf(inputs) === 'prometheus') {
    const thresholds = gauges.flatMap(({ canary, stable }) => (stable === undefined ? [canary] : [canary, stable]));
    const selectors = { stable: workloads.stable.pods, canary: workloads.canary.pods };
    const known = selectors.stable !== '' && selectors.canary !== '';
    const connection = prometheusConnection(inputs);
    return { kind: 'prometheus', connection, ...common, thresholds, ...(known && { pods: { namespace, selectors } }) };
  }
  const { 'metrics-port': port, 'metrics-path': path, 'metrics-from': from } = inputs;
  const source =
    from?.kind === 'gateway'
      ? { kind: 'gateway' as const, namespace: from.namespace ?? namespace, selector: from.selector }
      : { kind: 'arms' as const, stable: workloads.stable.pods, canary: workloads.canary.pods };
  return { kind: 'pods', ...common, source, ...(port !== undefined && { port }), ...(path !== undefined && { path }) };
}

/**
 * What is judged. What a check does not say of itself, the inputs of the same names do.
 *
 * @throws SluiceError `invalid-input` for a query with an unknown placeholder
 */
export function judgeSettings(inputs: CanaryInputs, plan: Plan, place: Place): JudgeSettings {
  const names = namesOf(inputs, place);
  const checks: Check[] = [];
  const gauges: GaugeQueries[] = [];
  let onPodProblem: OnBreach = 'rollback';
  for (const one of inputs.checks) {
    const common = {
      ...('name' in one && one.name !== undefined && { name: one.name }),
      ...(one['on-breach'] && { onBreach: one['on-breach'] }),
    };
    switch (one.check) {
      case 'unanswered':
        break;
      case 'pods':
        onPodProblem = one['on-breach'] ?? 'rollback';
        break;
      case 'error-rate':
        // The default check, which a service without metrics can't have; the summary says so.
        if (meterOf(inputs) === 'none') break;
        checks.push({ kind: 'error-rate', ...common, ...comparisonOf(one, inputs) });
        break;
      case 'latency':
        checks.push({ kind: 'latency', ...common, ...comparisonOf(one, inputs), bound: one.bound / 1_000 });
        break;
      case 'max-error-rate':
        checks.push({
          kind: 'max-error-rate',
          ...common,
          limit: one.limit,
          minRequests: one['min-requests'] ?? leastRequests,
        });
        break;
      case 'promql': {
        const relativeTo = one['relative-to'];
        const limit = {
          breach: one.above === undefined ? 'below' : 'above',
          limit: one.above ?? one.below ?? 0,
        } as const;
        checks.push({ kind: 'threshold', ...common, name: one.name, ...limit, ...(relativeTo && { relativeTo }) });
        gauges.push({
          check: one.name,
          canary: expand(one.query, 'canary', names),
          ...(relativeTo && { stable: expand(one.query, 'stable', names) }),
        });
      }
    }
  }
  // A step without a time of its own is watched as well: for as long as it holds, or while the promoted pods start.
  const panel = { alpha: inputs['false-rollback-probability'], steps: Math.max(1, plan.steps.length) };
  return { checks, panel, gauges, onPodProblem };
}

/** Requests slower than the bound in excess of the stable arm's: new processes start cold, all at once. */
const COLD_START = { excess: 0.05, designEffect: 3 } as const;
/** Requests that one client gives up at once when it leaves. */
const GIVEN_UP_TOGETHER = 2;

/**
 * What is judged whether or not it is listed: requests that end without an answer, and those that take so long that their
 * clients have given up.
 */
export function watchedChecks(inputs: CanaryInputs): Check[] {
  const listed = inputs.checks.find((one) => one.check === 'unanswered');
  const onBreach = listed?.['on-breach'] ?? 'rollback';
  const tolerances = comparisonOf(listed ?? {}, inputs);
  const designEffect = Math.max(tolerances.designEffect, GIVEN_UP_TOGETHER);
  return [
    { kind: 'unanswered', onBreach, ...tolerances, designEffect },
    { kind: 'hanging', onBreach, early: tolerances.early, ...COLD_START },
  ];
}

/** How the rollout behaves. */
export function rolloutSettings(
  inputs: CanaryInputs,
  plan: Plan,
): Omit<RolloutOptions, 'id' | 'fingerprint' | 'startedBy'> {
  return {
    // What earlier runs have left is undone the same way, whatever this one would do.
    mode: inputs.mode === 'undo' ? 'release' : inputs.mode,
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

/** What a person should know before a rollout starts that may not get to its end in time. */
export function startWarnings({ timeout }: CanaryInputs, plan: Plan): string[] {
  const longest = longestTime(plan);
  if (longest <= timeout) return [];
  const [needed, given] = [formatDuration(longest), formatDuration(timeout)];
  return [`The plan may take ${needed}, but the rollout is undone after ${given} ("timeout").`];
}

type Services = Readonly<Record<Arm, ServiceInput>>;

/** The Services of both arms: of their own, the one they share, or the one that Sluice makes for the canary. */
function servicesOf(inputs: RouteInputs): Services {
  const shared = inputs.service ?? { name: '' };
  if (routerOf(inputs) === 'replicas') return { stable: shared, canary: shared };
  if (inputs.workload) return { stable: shared, canary: { ...shared, name: canaryName(shared.name) } };
  return { stable: inputs['stable-service'] ?? shared, canary: inputs['canary-service'] ?? shared };
}

function istioDestinations(inputs: RouteInputs, services: Services): Record<Arm, IstioDestination> {
  const destination = ({ name, namespace, port }: ServiceInput, subset: string | undefined): IstioDestination => ({
    host: namespace === undefined ? name : `${name}.${namespace}.svc.cluster.local`,
    ...(port !== undefined && { port: Number(port) }),
    ...(subset !== undefined && { subset }),
  });
  return {
    stable: destination(services.stable, inputs['stable-subset']),
    canary: destination(services.canary, inputs['canary-subset']),
  };
}

function references({ stable, canary }: Services): Record<Arm, ServiceReference> {
  const reference = ({ port, ...rest }: ServiceInput): ServiceReference => ({
    ...rest,
    ...(port !== undefined && { port: /^\d+$/.test(port) ? Number(port) : port }),
  });
  return { stable: reference(stable), canary: reference(canary) };
}

/** What metrics call the arms. */
function namesOf(inputs: CanaryInputs, { namespace, workloads }: Place): Names {
  const services = servicesOf(inputs);
  const arm = (which: Arm, version: string | undefined) => ({
    workload: workloads[which].name,
    ...(services[which].name !== '' && { service: services[which].name }),
    ...(version !== undefined && { version }),
  });
  return {
    namespace,
    stable: arm('stable', inputs['stable-subset']),
    canary: arm('canary', inputs['canary-subset']),
  };
}

function queriesOf(inputs: CanaryInputs): Queries {
  const metrics = metricsOf(inputs);
  switch (metrics) {
    case undefined:
      return { kind: 'own', ...ownQueriesOf(inputs) };
    case 'istio':
      return { kind: 'istio', reporter: inputs['istio-reporter'] ?? 'source', by: 'workload' };
    case 'nginx':
      return { kind: 'nginx', ingress: inputs.route?.name ?? '' };
    default:
      return { kind: metrics };
  }
}

function ownQueriesOf(inputs: CanaryInputs): OwnQueries {
  const { 'query-requests': requests = '', 'query-errors': errors = '', 'query-latency': latency } = inputs;
  const of = (arm: Arm) => {
    const pick = (query: PerArm) => (typeof query === 'string' ? query : query[arm]);
    return { requests: pick(requests), errors: pick(errors), ...(latency !== undefined && { latency: pick(latency) }) };
  };
  return { stable: of('stable'), canary: of('canary') };
}

function prometheusConnection(inputs: CanaryInputs): PrometheusConnection {
  const { 'prometheus-ca': ca, 'prometheus-cert': cert, 'prometheus-key': key, 'prometheus-headers': headers } = inputs;
  const authorization = authorizationOf(inputs);
  const tls = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  return {
    address: inputs.prometheus ?? '',
    ...(authorization && { authorization }),
    ...(Object.keys(tls).length > 0 && { tls }),
    ...(headers && { headers }),
  };
}

function authorizationOf(inputs: CanaryInputs): PrometheusConnection['authorization'] {
  const { 'prometheus-token': token, 'prometheus-token-file': path } = inputs;
  const { 'prometheus-username': username, 'prometheus-password': password } = inputs;
  if (token !== undefined) return { kind: 'bearer', token };
  if (path !== undefined) return { kind: 'bearer-file', path };
  return username !== undefined && password !== undefined ? { kind: 'basic', username, password } : undefined;
}

type CheckTolerances = Extract<CanaryInputs['checks'][number], { check: 'error-rate' }>;

function comparisonOf(
  check: Pick<CheckTolerances, 'tolerance' | 'absolute-tolerance' | 'burst-size'>,
  inputs: CanaryInputs,
) {
  return {
    tolerance: check.tolerance ?? inputs.tolerance,
    excess: check['absolute-tolerance'] ?? inputs['absolute-tolerance'],
    designEffect: check['burst-size'] ?? inputs['burst-size'],
    early: { beta: inputs['early-promotion-error'] },
  };
}

import { formatDuration } from '../../core/duration.ts';
import type { Plan } from '../../judge/plan.ts';
import { listed } from '../../runner/input-types.ts';
import { prometheusContradictions } from '../checks/prometheus-inputs.ts';
import type { CanaryInputs, InputName } from './inputs.ts';
import { routersByKind } from './route-inputs.ts';

type RouterKind = NonNullable<CanaryInputs['router']>;
type Rule = (inputs: CanaryInputs) => string | undefined | false;

/** Inputs that contradict each other or are incomplete: one sentence each, with what to do. */
export function contradictionsOf(inputs: CanaryInputs): string[] {
  return [...rules.flatMap((rule) => rule(inputs) || []), ...prometheusContradictions(inputs)];
}

/** Contradictions between the plan and the time limit. */
export function timeContradictionsOf({ steps }: Plan, { timeout }: CanaryInputs): string[] {
  const least = steps.reduce((sum, step) => sum + step.least, 0);
  if (least <= timeout) return [];
  const [needed, given] = [formatDuration(least), formatDuration(timeout)];
  return [`The plan takes at least ${needed}, longer than "timeout: ${given}": raise one or shorten the other.`];
}

/** The router that the inputs name, or the one for the kind of the route. */
export function routerOf({ router, route }: Pick<CanaryInputs, 'router' | 'route'>): RouterKind | undefined {
  return router ?? (route?.kind && routersByKind[route.kind]);
}

/** The meter that counts the requests. */
export function meterOf({
  meter,
  prometheus,
}: Pick<CanaryInputs, 'meter' | 'prometheus'>): 'prometheus' | 'pods' | 'none' {
  return meter ?? (prometheus === undefined ? 'pods' : 'prometheus');
}

const rules: readonly Rule[] = [
  // ── target ──
  (inputs) =>
    !given(inputs, 'workload', 'stable', 'canary') &&
    'Nothing says what to release: give "workload" and "image", or "stable" and "canary".',
  (inputs) =>
    given(inputs, 'workload') &&
    given(inputs, 'stable', 'canary') &&
    '"workload" is for a canary that Sluice makes, "stable" and "canary" are for two workloads that exist: give one or the other.',
  ({ stable, canary }) =>
    (stable === undefined) !== (canary === undefined) && '"stable" and "canary" belong together: give both.',
  (inputs) =>
    given(inputs, 'workload') &&
    !given(inputs, 'image', 'config-files') &&
    '"workload" needs what is new in it: "image" or "config-files".',
  (inputs) =>
    onlyWith(inputs, given(inputs, 'workload'), ['image', 'config-files', 'canary-min-replicas'], '"workload"'),
  (inputs) =>
    given(inputs, 'workload') &&
    !given(inputs, 'service') &&
    '"workload" needs "service", which its requests come through.',

  // ── route ──
  (inputs) =>
    routerOf(inputs) === undefined &&
    'Nothing says what moves the traffic: give "route" with its kind, as virtualservice/NAME, or "router".',
  (inputs) => {
    const { router, route } = inputs;
    const fits = route?.kind === undefined || router === undefined || routersByKind[route.kind] === router;
    return !fits && `"router: ${router}" has no ${route.kind}; leave "router" out, or name a route of its own kind.`;
  },
  ({ router, route }) => {
    const kinds = Object.entries(routersByKind).flatMap(([kind, of]) => (of === router ? [`${kind}/NAME`] : []));
    if (router === 'replicas') return route && '"router: replicas" has no route: leave "route" out.';
    if (router !== undefined && route === undefined) return `"router: ${router}" needs "route", as ${listed(kinds)}.`;
    return route?.kind === undefined && kinds.length > 1 && `"route" has to say its kind: ${listed(kinds)}.`;
  },
  (inputs) => onlyFor(inputs, ['istio'], ['stable-subset', 'canary-subset']),
  (inputs) => onlyFor(inputs, ['istio', 'gateway-api'], ['route-rules']),
  (inputs) => onlyFor(inputs, ['nginx'], ['canary-ingress']),
  (inputs) =>
    given(inputs, 'workload') &&
    given(inputs, 'canary-subset', 'stable-service', 'canary-service') &&
    '"workload" has a canary with a Service of its own, made by Sluice: leave out "canary-subset", "stable-service" and "canary-service".',
  (inputs) => !given(inputs, 'workload') && together(inputs, 'stable-subset', 'canary-subset'),
  (inputs) => together(inputs, 'stable-service', 'canary-service'),
  (inputs) => given(inputs, 'stable', 'canary') && armsCanNotBeToldApart(inputs),

  (inputs) => {
    const router = routerOf(inputs);
    const services = [inputs.service, inputs['stable-service'], inputs['canary-service']];
    if (services.some((service) => service?.namespace !== undefined) && (given(inputs, 'workload') || byName(router)))
      return 'The Service has to be in the namespace of the release: name it without one.';
    if (services.some((service) => service?.port !== undefined) && byName(router))
      return `"router: ${router}" knows Services by name alone: leave the port out.`;
    const named = services.find((service) => service?.port !== undefined && !/^\d+$/.test(service.port));
    return named && router === 'istio' && `Istio knows ports by number: replace "${named.port}" by its number.`;
  },

  // ── plan ──
  (inputs) =>
    inputs.mode !== 'undo' &&
    inputs.mode !== 'discard-record' &&
    !given(inputs, 'steps', 'plan-file') &&
    'There is no plan: give "steps", as "5 for 2m, 25 for 5m, 50 for 5m, 100".',
  ({ mode, stable }) =>
    (mode === 'shift' || mode === 'finish') &&
    stable === undefined &&
    `"mode: ${mode}" is for two workloads, of which something else deploys the stable one: give "stable" and "canary".`,
  (inputs) =>
    (inputs.mode === 'shift' || inputs.mode === 'finish') &&
    routerOf(inputs) === 'replicas' &&
    `"mode: ${inputs.mode}" needs a route that can be given back; "router: replicas" has none.`,
  ({ mode, 'on-interrupted': onInterrupted }) =>
    mode === 'finish' &&
    onInterrupted === 'undo' &&
    '"mode: finish" goes on with a rollout: leave "on-interrupted: undo" out, or use "mode: undo".',
  (inputs) =>
    inputs.mode === 'undo' &&
    inputs['dry-run'] &&
    '"mode: undo" has no dry run: the record in the cluster says what it would do.',
  (inputs) =>
    inputs.mode === 'discard-record' &&
    inputs['dry-run'] &&
    '"mode: discard-record" has no dry run: read the record in the cluster, the ConfigMap that the refusal names.',
  (inputs) => given(inputs, 'steps') && given(inputs, 'plan-file') && 'Give either "steps" or "plan-file", not both.',

  // ── metrics ──
  (inputs) =>
    inputs.meter === 'prometheus' &&
    !given(inputs, 'prometheus') &&
    '"meter: prometheus" needs "prometheus", its address.',
  (inputs) =>
    inputs.meter === 'pods' &&
    given(inputs, 'prometheus') &&
    !hasShared(inputs) &&
    '"meter: pods" does not ask Prometheus: leave "prometheus" out, or use "meter: prometheus".',
  (inputs) => {
    const counting = ['prometheus', 'metrics', 'query-requests', 'query-errors', 'query-latency'] as const;
    const useless = counting.filter((name) => given(inputs, name) && !(name === 'prometheus' && hasShared(inputs)));
    return (
      inputs.meter === 'none' &&
      useless.length > 0 &&
      `"meter: none" counts no requests, so ${quoted(useless)} would have no effect: leave it out.`
    );
  },
  (inputs) => {
    const uncounted: readonly string[] = ['pods', 'error-rate', 'shared'];
    const counting = inputs.checks.filter(({ check }) => !uncounted.includes(check));
    return (
      inputs.meter === 'none' &&
      counting.length > 0 &&
      `"meter: none" counts no requests, so checks can't be of ${listed(counting.map(({ check }) => check))}: leave them out.`
    );
  },
  (inputs) =>
    inputs.meter === 'none' &&
    inputs.checks.some((one) => one.check === 'pods' && one['on-breach'] === 'warn') &&
    !inputs.checks.some((one) => one.check === 'shared' && one.written['on-breach'] !== 'warn') &&
    '"meter: none" leaves the pods alone to be judged where no other check can end it: their "on-breach" has to be rollback or freeze.',
  (inputs) =>
    given(inputs, 'prometheus') &&
    inputs.connections?.has('prometheus') &&
    'Both "prometheus" and "connections" say where Prometheus is: give one.',
  (inputs) =>
    onlyWith(inputs, meterOf(inputs) === 'pods', ['metrics-port', 'metrics-path', 'metrics-from'], '"meter: pods"'),
  (inputs) =>
    given(inputs, 'metrics') &&
    given(inputs, 'query-requests', 'query-errors', 'query-latency') &&
    '"metrics" names ready-made queries, "query-requests" and the like are your own: give one or the other.',
  (inputs) => together(inputs, 'query-requests', 'query-errors'),
  (inputs) => onlyWith(inputs, given(inputs, 'query-requests'), ['query-latency'], '"query-requests"'),
  (inputs) => onlyWith(inputs, metricsOf(inputs) === 'istio', ['istio-reporter'], '"metrics: istio"'),
  (inputs) =>
    routerOf(inputs) !== undefined &&
    meterOf(inputs) !== 'none' &&
    metricsOf(inputs) === undefined &&
    !given(inputs, 'query-requests') &&
    `With "router: ${routerOf(inputs)}" nothing says whose metrics count the requests: give "metrics", or "query-requests" and "query-errors".`,
  (inputs) =>
    metricsOf(inputs) === 'nginx' &&
    routerOf(inputs) !== undefined &&
    routerOf(inputs) !== 'nginx' &&
    '"metrics: nginx" can tell the arms apart only where NGINX is the router.',
  (inputs) =>
    inputs.checks.some(({ check }) => check === 'latency') &&
    given(inputs, 'query-requests') &&
    !given(inputs, 'query-latency') &&
    'A latency check with your own queries needs "query-latency".',
];

/** The system whose metrics count the requests, unless the user gives queries; undefined where nothing tells. */
export function metricsOf(inputs: CanaryInputs): CanaryInputs['metrics'] {
  if (inputs.metrics !== undefined || given(inputs, 'query-requests')) return inputs.metrics;
  if (meterOf(inputs) === 'pods' && inputs['metrics-from']?.kind !== 'gateway') return 'http';
  const router = routerOf(inputs);
  if (router === 'replicas') return 'http';
  return router === 'gateway-api' ? undefined : router;
}

/** Whether a check asks something else than the meter. */
function hasShared({ checks }: CanaryInputs): boolean {
  return checks.some(({ check }) => check === 'shared');
}

function armsCanNotBeToldApart(inputs: CanaryInputs): string | undefined | false {
  const shared = given(inputs, 'service');
  const own = given(inputs, 'stable-service', 'canary-service');
  const subsets = given(inputs, 'stable-subset', 'canary-subset');
  switch (routerOf(inputs)) {
    case undefined:
      return undefined;
    case 'istio':
      if (shared && subsets && !own) return undefined;
      if (own && !shared && !subsets) return undefined;
      return 'Istio tells the arms apart by "stable-subset" and "canary-subset" of one "service", or by "stable-service" and "canary-service".';
    case 'replicas':
      return (!shared || own) && '"router: replicas" needs "service", the one Service of both arms, and no other.';
    default:
      return (
        (!own || shared) &&
        `"router: ${routerOf(inputs)}" needs "stable-service" and "canary-service", and not "service".`
      );
  }
}

function byName(router: RouterKind | undefined): boolean {
  return router === 'nginx' || router === 'replicas';
}

function given(inputs: CanaryInputs, ...names: InputName[]): boolean {
  return names.some((name) => inputs[name] !== undefined);
}

function together(inputs: CanaryInputs, first: InputName, second: InputName): string | false {
  return given(inputs, first) !== given(inputs, second) && `"${first}" and "${second}" belong together: give both.`;
}

/** Inputs that have no effect unless a condition is met. */
function onlyWith(inputs: CanaryInputs, met: boolean, names: readonly InputName[], what: string): string | false {
  const useless = names.filter((name) => given(inputs, name));
  return !met && useless.length > 0 && `${quoted(useless)} would have no effect without ${what}.`;
}

function onlyFor(inputs: CanaryInputs, routers: readonly RouterKind[], names: readonly InputName[]): string | false {
  const router = routerOf(inputs);
  const met = router === undefined || routers.includes(router);
  return onlyWith(inputs, met, names, `"router: ${listed(routers)}"`);
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}

import type { Router, RouteSnapshot, Surroundings } from '../../canary/ports.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import { retryOnConflict } from '../../cluster/conflicts.ts';
import { type GitOpsSetting, refuseGitOps } from '../../cluster/gitops.ts';
import { relinquishFields } from '../../cluster/managed-fields.ts';
import { permissionTo } from '../../cluster/permissions.ts';
import { describe, type ObjectReference, resources } from '../../cluster/resources.ts';
import type { KubernetesObject } from '../../cluster/schema.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import type { Arm } from '../../judge/readings.ts';
import { getNamed } from '../objects/lookup.ts';
import {
  annotationFields,
  annotationPatch,
  canaryIngress,
  type IngressManifest,
  ingressPaths,
  isCanaryIngress,
  isOurs,
  likeStable,
  planAnnotations,
  portsTo,
  weightAnnotationsOf,
  weightMeant,
  withWeight,
} from '../objects/nginx-ingress.ts';
import { createReadable } from '../objects/readable.ts';
import { classNameOf, requireIngressNginx } from '../survey/ingress-class.ts';
import { besideTheRoute, findSenders, notLookedAt, type Sender } from '../survey/senders.ts';
import { confirmWith } from './confirm.ts';
import { changedByOthers, deletedByOthers } from './conflicts.ts';
import { createIngressSnapshots, type FoundIngress, foundIngress } from './recorded-ingress.ts';
import { requireServices, servicePermissions } from './services.ts';
import { createShareMemory } from './share.ts';
import type { RouterDependencies } from './weighted-route.ts';

export interface NginxOptions {
  readonly kind: 'nginx';
  readonly namespace: string;
  /** The Ingress that sends requests to the stable Service. */
  readonly name: string;
  /** The Ingress with the canary annotations; created for the rollout if it does not exist. */
  readonly canaryIngress: string;
  /** Names of the arms' Services. */
  readonly stable: string;
  readonly canary: string;
  readonly canaryIsCreated?: boolean;
  readonly gitops?: GitOpsSetting;
}

/** The Router for ingress-nginx: the weight is an annotation of a canary Ingress beside the stable one. */
export function createNginxRouter(options: NginxOptions, { client, ...dependencies }: RouterDependencies): Router {
  const { namespace } = options;
  const type = resources.ingress;
  const stable: ObjectReference = { type, namespace, name: options.name };
  const canary: ObjectReference = { type, namespace, name: options.canaryIngress };
  const about = describe(canary);
  const shares = createShareMemory();
  const arms = { ...options, stable: { name: options.stable }, canary: { name: options.canary } };
  const snapshots = createIngressSnapshots(options);

  async function inspect(signal: AbortSignal): Promise<RouteSnapshot> {
    const stableIngress = await getNamed(client, stable, signal);
    const ingresses = await client.list(type, namespace, {}, signal);
    refuseStable(stable, stableIngress, options);
    refuseRivals(options, stableIngress, ingresses);
    await requireServices(client, arms, signal);

    const existing = ingresses.find(({ metadata }) => metadata.name === canary.name);
    if (existing === undefined || isOurs(existing)) {
      const toCreate = canaryIngress(stableIngress, canary.name, options);
      const found = existing === undefined ? { weight: null, total: null } : weightAnnotationsOf(existing);
      const data = { toCreate, found };
      return snapshots.own({ router: 'nginx', object: about, weight: weightMeant(found) ?? 0, data });
    }
    refuseCanary(about, existing, options);
    if (options.gitops !== 'ignore-rule-present') refuseGitOps(existing, canary, annotationFields);
    const found = weightAnnotationsOf(existing);
    const data = { toCreate: null, found };
    return snapshots.own({ router: 'nginx', object: about, weight: weightMeant(found) ?? 0, data });
  }

  /** The current weight of the canary Ingress; `undefined` if it is not one that Sluice has written. */
  function weightIn({ toCreate }: FoundIngress, existing: KubernetesObject | undefined): number | undefined {
    if (existing === undefined) return toCreate === null ? undefined : 0;
    if (!isCanaryIngress(existing) || (toCreate !== null && !isOurs(existing))) return undefined;
    return weightMeant(weightAnnotationsOf(existing));
  }

  /** The canary Ingress for the current stable Ingress, whose paths may have changed since the start. */
  async function ownIngress(expected: readonly number[], signal: AbortSignal): Promise<IngressManifest> {
    const now = await client.find(stable, signal);
    if (now === undefined) throw deletedByOthers(describe(stable), expected);
    return canaryIngress(now, canary.name, options);
  }

  /** Writes only if the current weight is one of those expected; retries if somebody else writes at the same time. */
  async function write(
    snapshot: RouteSnapshot,
    expected: readonly number[],
    signal: AbortSignal,
    act: (existing: KubernetesObject | undefined, data: FoundIngress) => Promise<void>,
  ): Promise<void> {
    const data = await snapshots.read(snapshot, signal);
    await retryOnConflict(async () => {
      const existing = await client.find(canary, signal);
      const shown = weightIn(data, existing);
      if (shown === undefined || !expected.some((weight) => isSame(weight, shown)))
        throw foreignEdit(about, existing, expected);
      await act(existing, data);
    });
  }

  return {
    kind: 'nginx',
    object: about,
    permissions: [
      permissionTo(['get', 'list', 'create', 'patch', 'delete'], type, namespace),
      ...servicePermissions(arms),
    ],
    inspect,
    verifyRecorded: snapshots.verify,

    survey: (_, signal) => surveyIngress(client, options, signal),

    preview(snapshot, weight) {
      const { toCreate, found } = foundIngress.parse(snapshot.data);
      const planned = planAnnotations(found, weight);
      if (toCreate === null) return [{ object: about, action: 'update', before: found, after: planned }];
      const after: Json = withWeight(toCreate, planned);
      return [{ object: about, action: 'create', before: undefined, after }];
    },

    shift: (snapshot, from, to, signal) =>
      write(snapshot, [from, to], signal, async (existing, { toCreate, found }) => {
        const planned = planAnnotations(found, to);
        const own = toCreate && (await ownIngress([from, to], signal));
        if (existing !== undefined) {
          const operations = [...annotationPatch(existing, planned), ...(own ? likeStable(existing, own) : [])];
          if (operations.length > 0) await client.patchJson(canary, operations, signal);
        } else if (own !== null) {
          await client.create(type, withWeight(own, planned), signal);
        }
      }),

    async weight(snapshot, signal) {
      return weightIn(await snapshots.read(snapshot, signal), await client.find(canary, signal));
    },

    restore: (snapshot, expected, signal) =>
      write(snapshot, [...expected, snapshot.weight], signal, async (existing, { toCreate, found }) => {
        if (existing === undefined) return;
        if (toCreate !== null) return client.remove(canary, signal);
        const operations = annotationPatch(existing, found);
        if (operations.length > 0) await client.patchJson(canary, operations, signal);
      }),

    relinquish: (_, signal) => relinquishFields(client, canary, signal),

    confirm: (snapshot, weight, signal) =>
      confirmWith({ about, weight, shares, ...dependencies }, signal, async () => {
        const existing = await client.find(canary, signal);
        const shown = weightIn(await snapshots.read(snapshot, signal), existing);
        if (shown === undefined || !isSame(shown, weight)) throw foreignEdit(about, existing, [weight]);
        // ingress-nginx reports nothing about an Ingress but its address.
        return { followed: true, evidence: 'canary annotations read back' };
      }),
  };
}

/** Finds other senders to the stable Service, and checks whether ingress-nginx serves the stable Ingress. */
async function surveyIngress(
  client: KubernetesClient,
  options: NginxOptions,
  signal: AbortSignal,
): Promise<Surroundings> {
  const { namespace } = options;
  const type = resources.ingress;
  const stable = { type, namespace, name: options.name };
  const readable = createReadable(client, signal);
  const stableIngress = await getNamed(client, stable, signal);
  const unseen = await requireIngressNginx(describe(stable), stableIngress, createReadable(client, signal));
  const service = { namespace, name: options.stable };
  const senders = await findSenders(readable, service, [stable, { type, namespace, name: options.canaryIngress }]);
  const ports = portsTo(stableIngress, options.stable);
  const shifted = senders.filter(
    (sender) =>
      sender.type === type &&
      classNameOf(sender.object) === classNameOf(stableIngress) &&
      portsTo(sender.object, options.stable).some((port) => ports.includes(port)),
  );
  const { warnings } = besideTheRoute(
    senders.filter((sender) => !shifted.includes(sender)),
    describe(stable),
    service,
  );
  return {
    warnings: [...shifted.map((sender) => isShiftedToo(sender, options)), ...warnings],
    notes: [...unseen, ...notLookedAt(readable)],
  };
}

/** Another Ingress is shifted as well, whatever its host: kubernetes/ingress-nginx names an upstream NAMESPACE-SERVICE-PORT. */
function isShiftedToo({ about, object }: Sender, { namespace, stable }: NginxOptions): string {
  const hosts = [...new Set(ingressPaths(object).map(({ route }) => route.split('/')[0]))].join(', ');
  return `${about} (${hosts}) leads to the same port of Service ${namespace}/${stable}: ingress-nginx knows one upstream for a Service and port, so its requests are shifted as well, and are counted with the others.`;
}

/** Weights are written to a thousandth of a per cent. */
function isSame(a: number, b: number): boolean {
  return Math.abs(a - b) <= 0.0005;
}

function refuseStable(reference: ObjectReference, ingress: KubernetesObject, { stable }: NginxOptions): void {
  const about = describe(reference);
  if (isCanaryIngress(ingress))
    throw new SluiceError('unsupported', {
      about,
      problem: 'is a canary Ingress itself.',
      next: 'Name the Ingress that sends requests to the stable Service.',
    });
  refuseWithoutPath(about, ingress, { arm: 'stable', service: stable });
}

function refuseWithoutPath(
  about: string,
  ingress: KubernetesObject,
  { arm, service }: { readonly arm: Arm; readonly service: string },
): void {
  const paths = ingressPaths(ingress);
  if (paths.some((path) => path.service === service)) return;
  throw new SluiceError('not-found', {
    about,
    problem: `has no path that leads to Service ${service}.`,
    next: `Name the ${arm} Service as the Ingress does; its backends are: ${names(paths)}.`,
  });
}

/** Refuses other Ingresses that would keep ingress-nginx from sending anything to the canary, which it only logs. */
function refuseRivals(options: NginxOptions, stableIngress: KubernetesObject, ingresses: KubernetesObject[]): void {
  const routes = new Set(
    ingressPaths(stableIngress).flatMap(({ route, service }) => (service === options.stable ? route : [])),
  );
  for (const ingress of ingresses) {
    if ([options.name, options.canaryIngress].includes(ingress.metadata.name)) continue;
    const about = describe({ type: resources.ingress, namespace: options.namespace, name: ingress.metadata.name });
    const paths = ingressPaths(ingress);
    if (!isCanaryIngress(ingress) && paths.some(({ service }) => service === options.canary))
      throw new SluiceError('unsupported', {
        about,
        problem: `leads to Service ${options.canary} by itself; ingress-nginx takes no Service as a canary that another Ingress uses.`,
        next: 'Make another Service for the canary pods of the rollout.',
      });
    const shared = isCanaryIngress(ingress) ? paths.find(({ route }) => routes.has(route)) : undefined;
    if (shared !== undefined)
      throw new SluiceError('unsupported', {
        about,
        problem: `is a canary Ingress for ${shared.route} already; ingress-nginx allows one for a path.`,
        next: 'Name it as the canary Ingress, or remove it.',
      });
  }
}

function refuseCanary(about: string, ingress: KubernetesObject, { canary }: NginxOptions): void {
  if (!isCanaryIngress(ingress))
    throw new SluiceError('unsupported', {
      about,
      problem: 'exists and is no canary Ingress.',
      next: 'Annotate it with nginx.ingress.kubernetes.io/canary: "true", or name another one.',
    });
  const shown = weightAnnotationsOf(ingress);
  if (weightMeant(shown) === undefined)
    throw new SluiceError('unsupported', {
      about,
      problem: `has a canary-weight that is no share of its total (${shown.weight} of ${shown.total ?? 100}).`,
      next: 'Set nginx.ingress.kubernetes.io/canary-weight: "0".',
    });
  refuseWithoutPath(about, ingress, { arm: 'canary', service: canary });
}

function foreignEdit(about: string, ingress: KubernetesObject | undefined, expected: readonly number[]): SluiceError {
  if (ingress === undefined) return deletedByOthers(about, expected);
  const { weight, total } = weightAnnotationsOf(ingress);
  const shown = `it shows canary-weight ${weight ?? 'none'} of ${total ?? 100}`;
  return changedByOthers(about, { object: ingress, path: annotationFields.path, shown }, expected);
}

function names(paths: readonly { service: string }[]): string {
  return [...new Set(paths.map(({ service }) => service))].join(', ') || 'none';
}

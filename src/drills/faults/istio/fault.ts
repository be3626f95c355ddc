import type { KubernetesClient } from '../../../cluster/client.ts';
import { retryOnConflict } from '../../../cluster/conflicts.ts';
import { refuseGitOps } from '../../../cluster/gitops.ts';
import { relinquishFields } from '../../../cluster/managed-fields.ts';
import { permissionTo } from '../../../cluster/permissions.ts';
import { readPart } from '../../../cluster/read-object.ts';
import { describe, type ObjectReference, resources } from '../../../cluster/resources.ts';
import type { KubernetesObject } from '../../../cluster/schema.ts';
import { SluiceError } from '../../../core/errors.ts';
import { asJson, type Json } from '../../../core/json.ts';
import type { Permission } from '../../../core/permission.ts';
import { getNamed } from '../../../routes/objects/lookup.ts';
import { createReadable } from '../../../routes/objects/readable.ts';
import { surveyVirtualService } from '../../../routes/survey/virtual-service-binding.ts';
import type { Aim, Fault } from '../../ports.ts';
import { protectedNamespaces } from '../../protected.ts';
import type { FaultWorld } from '../world.ts';
import { effectByCounters } from './effect.ts';
import { planInjection } from './injection.ts';
import {
  FAULT_ANNOTATION,
  type IstioFaultSettings,
  type IstioInjection,
  type IstioMark,
  istioMark,
  type ProxyCounters,
  writtenFault,
} from './mark.ts';
import { otherFaults } from './others.ts';
import { findProxies, proxyPermissions, readProxies } from './proxies.ts';
import { likeInjected, planRemoval } from './removal.ts';
import { aboutOf, describeHttpRule, type HttpRule, httpRules } from './rules.ts';
import { refuseUselessRules, warningsOf } from './warnings.ts';

/** A delay or an abort that Istio's proxies inject into the requests of a VirtualService's http rules. */
export function istioFault(settings: IstioFaultSettings, world: FaultWorld): Fault {
  checkSettings(settings);
  const { client, drill, run } = world;
  const { namespace, name, injection, header } = settings;
  const reference = referenceTo(settings);
  const kind = injection.kind === 'delay' ? 'istio-delay' : 'istio-abort';

  return {
    kind,
    text: settings.text,
    lasts: settings.lasts,
    endedBy: 'sluice',
    ...injectsOf(settings),
    ...(header && { header }),
    permissions: permissionsOf(settings),

    async aim(signal): Promise<Aim> {
      const object = await getNamed(client, reference, signal);
      const plan = planInjection(object, settings, { drill, run });
      refuseUselessRules(object, plan.chosen);
      if (settings.gitops !== 'ignore-rule-present') refuseGitOps(object, reference, writtenFields(plan.chosen));
      const readable = createReadable(client, signal);
      const surroundings = await surveyVirtualService(object, readable);
      const others = await otherFaults(object, kind, readable, []);
      const found = await findProxies(client, object, settings, signal);
      const readings = await readProxies(client, found.proxies, { kind, hosts: hostsOf(plan.chosen) }, signal);
      const counters = readings.filter((reading): reading is ProxyCounters => 'faults' in reading);
      const { rules, fault } = plan;
      const mark: IstioMark = { kind, namespace, name, run, fault, rules: [...rules], counters, others };
      return {
        pods: [],
        candidates: 0,
        writes: [
          `patch ${describe(reference)}: ${saying(settings)} of ${plan.chosen.map(describeHttpRule).join(', ')}`,
        ],
        warnings: [...surroundings.warnings, ...surroundings.notes, ...warningsOf(plan.chosen, settings)],
        mark: asJson(mark),
      };
    },

    async inject(given, signal): Promise<void> {
      const mark = readMark(given);
      await retryOnConflict(async () => {
        const object = await getNamed(client, reference, signal);
        const found = writtenFault(object);
        if (found !== undefined && found !== 'unreadable' && found.run === mark.run && found.drill === drill) return;
        const plan = planInjection(object, settings, { drill, run: mark.run });
        if (!sameRules(plan.rules, mark.rules))
          throw new SluiceError('foreign-edit', {
            about: describe(reference),
            problem: 'has other rules than when the drill looked at it.',
            next: 'Run the drill again.',
          });
        await client.patchJson(reference, plan.operations, signal);
      });
    },

    async effect(given, signal) {
      const mark = readMark(given);
      const object = await client.find(reference, signal);
      if (object === undefined) return { felt: 'unknown', evidence: `${describe(reference)} does not exist any more` };
      const rules = httpRules(object);
      const faulted = likeInjected(object, mark.fault, mark.rules);
      if (faulted.length < mark.rules.length)
        return { felt: 'unknown', evidence: `${describe(reference)} has lost the fault: somebody else changed it` };
      const hosts = hostsOf(faulted);
      const found = await findProxies(client, object, settings, signal);
      const readings = await readProxies(client, found.proxies, { kind, hosts }, signal);
      const toSameHosts = rules.filter((rule) => rule.hosts.some((host) => hosts.includes(host)));
      const onlySome = settings.header !== undefined || faulted.length < toSameHosts.length;
      const evidence = { mark, found, readings, share: settings.share, onlySome };
      const effect = effectByCounters(evidence);
      if (effect.felt !== 'felt') return effect;
      // Somebody may have added a fault of this kind since, which the proxies count as well.
      const others = await otherFaults(object, kind, createReadable(client, signal), faulted);
      return effectByCounters({ ...evidence, mark: { ...mark, others } });
    },

    remove: (mark, signal) => removeIstioFault(world, mark, signal),
  };
}

/**
 * Takes out the fault that the VirtualService's annotation says this run has written, and leaves all else as it is. A VirtualService
 * that is gone, or that has neither annotation nor fault, needs nothing.
 *
 * @param given the mark of the fault, of which only the VirtualService's name and the run are believed
 * @throws SluiceError `foreign-edit` for a fault that others have changed; `locked` for one that is marked as another run's
 */
export async function removeIstioFault(
  { client, drill }: Pick<FaultWorld, 'client' | 'drill'>,
  given: Json,
  signal: AbortSignal,
): Promise<void> {
  const mark = readMark(given);
  const reference = referenceTo(mark);
  await retryOnConflict(() => takeOut(client, { reference, mark, drill }, signal));
  await relinquishFields(client, reference, signal);
}

async function takeOut(
  client: KubernetesClient,
  { reference, mark, drill }: { readonly reference: ObjectReference; readonly mark: IstioMark; readonly drill: string },
  signal: AbortSignal,
): Promise<void> {
  const object = await client.find(reference, signal);
  if (object === undefined) return;
  const found = writtenFault(object);
  if (found === undefined) {
    const alike = likeInjected(object, mark.fault, mark.rules);
    if (alike.length === 0) return;
    throw leftBehind(object, alike.map(describeHttpRule), `has this fault without the annotation ${FAULT_ANNOTATION}`);
  }
  if (found === 'unreadable' || found.run !== mark.run || found.drill !== drill)
    throw new SluiceError('locked', {
      about: describe(reference),
      problem:
        found === 'unreadable'
          ? `has an annotation ${FAULT_ANNOTATION} that can't be read, so its faults are left.`
          : `carries a fault of drill "${found.drill}", run ${found.run}, and not of this one: it is left.`,
      next: 'Let that drill end it, or take it out by hand.',
    });
  const { operations, left } = planRemoval(object, found);
  if (operations.length > 0) await client.patchJson(reference, operations, signal);
  if (left.length > 0) throw leftBehind(object, left, 'has another fault than the drill injected: somebody changed it');
}

function leftBehind(object: KubernetesObject, rules: readonly string[], problem: string): SluiceError {
  const { namespace, name } = object.metadata;
  return new SluiceError('foreign-edit', {
    about: `${aboutOf(object)} ${rules.join(', ')}`,
    problem: `${problem}.`,
    next: `Remove the field "fault" of ${rules.length === 1 ? 'this rule' : 'these rules'} and the annotation by kubectl edit virtualservice ${name} --namespace ${namespace}, or the annotation alone to keep the fault.`,
  });
}

function readMark(given: Json): IstioMark {
  return readPart(
    given,
    istioMark,
    'the mark of an Istio fault',
    'Take the fault out by hand: its record was changed.',
  );
}

function referenceTo({ namespace, name }: Pick<IstioMark, 'namespace' | 'name'>): ObjectReference {
  return { type: resources.virtualService, namespace, name };
}

function hostsOf(rules: readonly HttpRule[]): string[] {
  return [...new Set(rules.flatMap(({ hosts }) => hosts))];
}

/** Places may have moved. */
function sameRules(a: IstioMark['rules'] | readonly IstioMark['rules'][number][], b: IstioMark['rules']): boolean {
  const key = (rules: typeof a) => rules.map(({ place: _, ...rule }) => JSON.stringify(rule)).join('\n');
  return key(a) === key(b);
}

function writtenFields(rules: readonly HttpRule[]) {
  return {
    what: 'the fault',
    path: ['spec', 'http'],
    appliedWith: ['spec'],
    pointers: rules.map(({ index }) => `/spec/http/${index}/fault`),
    jq: ['.spec.http[]?.fault'],
  };
}

/** `abort 20 % with HTTP 503` */
function saying({ injection, share, header }: IstioFaultSettings): string {
  const only = header === undefined ? '' : ` with header ${header.name}: ${header.value}`;
  return `${describeInjection(injection)} for ${share} % of the requests${only}`;
}

function describeInjection(injection: IstioInjection): string {
  if (injection.kind === 'delay') return `a delay of ${injection.milliseconds} ms`;
  return 'status' in injection ? `HTTP ${injection.status}` : `gRPC ${injection.grpcStatus}`;
}

function permissionsOf(settings: IstioFaultSettings): Permission[] {
  const { namespace } = settings;
  return [
    permissionTo(['get', 'patch'], resources.virtualService, namespace),
    { ...permissionTo(['list'], resources.virtualService, ''), optional: true },
    ...proxyPermissions(settings),
  ];
}

/** Istio's own limits: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPFaultInjection */
function checkSettings({ text, share, injection, namespace, header }: IstioFaultSettings): void {
  const wrong = (problem: string, next: string) =>
    new SluiceError('invalid-input', { about: `fault "${text}"`, problem, next });
  if (!(share >= 0.0001 && share <= 100))
    throw wrong(`has a share of ${share} %.`, 'Give a share from 0.0001 % to 100 %.');
  if (injection.kind === 'delay' && !(injection.milliseconds >= 1 && Number.isInteger(injection.milliseconds)))
    throw wrong(`has a delay of ${injection.milliseconds} ms.`, 'Give a delay of 1ms or more.');
  if (injection.kind === 'abort' && 'status' in injection && !(injection.status >= 200 && injection.status <= 599))
    throw wrong(`has the HTTP status ${injection.status}.`, 'Give a status from 200 to 599.');
  if (injection.kind === 'abort' && 'grpcStatus' in injection && !grpcStatuses.includes(injection.grpcStatus))
    throw wrong(`has the gRPC status ${injection.grpcStatus}.`, `Give one of ${grpcStatuses.join(', ')}.`);
  if (header !== undefined && (!/^[\w-]+$/.test(header.name) || header.value === ''))
    throw wrong(`has the header "${header.name}: ${header.value}".`, 'Give a header with a name and a value.');
  if (protectedNamespaces.includes(namespace))
    throw wrong(
      `is for namespace ${namespace}, which belongs to Kubernetes.`,
      'Choose a route of a service of your own.',
    );
}

/** How own requests show the fault. A status of gRPC is in a trailer, which they do not read. */
function injectsOf({ injection, share }: IstioFaultSettings): Pick<Fault, 'injects'> {
  if (injection.kind === 'delay') return { injects: { kind: 'delay', milliseconds: injection.milliseconds, share } };
  return 'status' in injection ? { injects: { kind: 'abort', fault: `HTTP ${injection.status}`, share } } : {};
}

/** https://github.com/grpc/grpc/blob/master/doc/statuscodes.md, without OK. */
export const grpcStatuses: readonly string[] = [
  ...['CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED'],
  ...['INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];

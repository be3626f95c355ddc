import type { startApiServer } from '../../lab/embedded/api-server/index.ts';
import { isRecord, type KubeObject, recordOf } from '../../lab/embedded/api-server/objects.ts';
import { findResource, type Resource } from '../../lab/embedded/api-server/resources.ts';

type Api = Awaited<ReturnType<typeof startApiServer>>;

const GROUP = 'chaos-mesh.org/v1alpha1';
const FINALIZER = 'chaos-mesh/records';
const manager = { manager: 'chaos-controller-manager' };

function resource(plural: string): Resource {
  const found = findResource(GROUP, plural);
  if (!found) throw new Error(`no ${plural}`);
  return found;
}

/**
 * Plays what Chaos Mesh's controller was seen to do on a real cluster: records, conditions, the finalizer, and PodNetworkChaos with its
 * error, which every later tc fault of the pod gets as well. Nothing happens to any pod. The real controller runs the same cases in the
 * tests on the cluster.
 */
export function startChaosDouble(api: Api) {
  const faults = resource('networkchaos');
  const rules = resource('podnetworkchaos');
  let away = false;

  function podsOf(side: unknown): { namespace: string; name: string }[] {
    const { pods } = recordOf(recordOf(side).selector);
    return Object.entries(recordOf(pods)).flatMap(([namespace, names]) =>
      Array.isArray(names) ? names.map((name) => ({ namespace, name: String(name) })) : [],
    );
  }

  /** Writes the rules of a fault into those of a pod. @returns the error of the pod */
  function write(fault: KubeObject, pod: { namespace: string; name: string }, isOn: boolean): string {
    const source = `${fault.metadata.namespace}/${fault.metadata.name}`;
    const { action, target } = recordOf(fault.spec);
    const current = api.storage.get(rules, pod.namespace, pod.name);
    const list = action === 'partition' ? 'iptables' : 'tcs';
    const spec = recordOf(current?.spec);
    const others = (name: string) =>
      (Array.isArray(spec[name]) ? spec[name] : []).filter((item) => recordOf(item).source !== source);
    const own = isOn ? [{ type: action === 'bandwidth' && target === undefined ? 'bandwidth' : 'netem', source }] : [];
    const next = { tcs: others('tcs'), iptables: others('iptables'), ipsets: others('ipsets') };
    const written = { ...next, [list]: [...(list === 'tcs' ? next.tcs : next.iptables), ...own] };
    if (!current) {
      const metadata = { name: pod.name, namespace: pod.namespace };
      api.registry.create(
        rules,
        pod.namespace,
        { apiVersion: GROUP, kind: 'PodNetworkChaos', metadata, spec: written },
        manager,
      );
    } else {
      const key = { resource: rules, namespace: pod.namespace, name: pod.name };
      api.registry.modify(key, (object) => ({ ...object, spec: written }), manager);
    }
    return observe(pod);
  }

  /** The kernel has no netem. */
  function observe({ namespace, name }: { namespace: string; name: string }): string {
    const object = api.storage.get(rules, namespace, name);
    if (!object) return '';
    const { tcs } = recordOf(object.spec);
    const cannot = Array.isArray(tcs) && tcs.some((item) => recordOf(item).type === 'netem');
    const failedMessage = cannot
      ? `failed to apply for pod ${namespace}/${name}: unable to set tcs for pod ${name}`
      : '';
    const status = { failedMessage, observedGeneration: object.metadata.generation };
    const key = { resource: rules, namespace, name };
    api.registry.modify(key, (one) => ({ ...one, status }), { ...manager, subresource: 'status' });
    return failedMessage;
  }

  function step(fault: KubeObject): void {
    const isEnding = fault.metadata.deletionTimestamp !== undefined;
    const sources = podsOf(fault.spec);
    const before = recordOf(recordOf(fault.status).experiment).containerRecords;
    const known = Array.isArray(before) ? before : [];
    const records = sources.map((pod) => {
      const id = `${pod.namespace}/${pod.name}`;
      const last = recordOf(known.find((one) => isRecord(one) && one.id === id));
      if (last.phase === 'Injected' && !isEnding) return last;
      if (last.phase === 'Not Injected' && isEnding) return last;
      // Chaos Mesh applies a fault that is waiting once more before it takes it back.
      const failure = write(fault, pod, !(isEnding && last.phase === 'Injected'));
      const outcome = { type: failure === '' ? 'Succeeded' : 'Failed', operation: 'Apply', message: failure };
      const done = isEnding && last.phase === 'Injected' ? 'Not Injected' : 'Injected';
      return {
        id,
        selectorKey: '.',
        phase: failure === '' ? done : 'Not Injected/Wait',
        injectedCount: failure === '' ? 1 : 0,
        recoveredCount: done === 'Not Injected' ? 1 : 0,
        events: [outcome],
      };
    });
    const is = (phase: string) => records.length > 0 && records.every((one) => one.phase === phase);
    const conditions = {
      Selected: records.length > 0,
      AllInjected: is('Injected'),
      AllRecovered: is('Not Injected'),
      Paused: false,
    };
    const status = {
      conditions: Object.entries(conditions).map(([type, holds]) => ({ type, status: holds ? 'True' : 'False' })),
      experiment: { desiredPhase: isEnding ? 'Stop' : 'Run', containerRecords: records },
    };
    const finalizers = isEnding && is('Not Injected') ? [] : [FINALIZER];
    const { namespace = '', name } = fault.metadata;
    const change = (object: KubeObject) => ({ ...object, metadata: { ...object.metadata, finalizers }, status });
    api.registry.modify({ resource: faults, namespace, name }, change, manager);
  }

  return {
    faults,
    rules,
    leave(): void {
      away = true;
    },
    /** One round of the controller. */
    tick(): void {
      if (away) return;
      for (const fault of api.storage.list(faults)) step(fault);
      for (const { metadata } of api.storage.list(rules)) {
        observe({ namespace: metadata.namespace ?? '', name: metadata.name });
      }
    },
  };
}

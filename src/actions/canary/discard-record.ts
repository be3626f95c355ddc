import type { Router } from '../../canary/ports.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import { ownLabels } from '../../cluster/ownership.ts';
import { describe, type ResourceType, resources } from '../../cluster/resources.ts';
import { selectorText } from '../../cluster/selectors.ts';
import { isSluiceError } from '../../core/errors.ts';
import { type DiscardedRecord, discardRecord } from '../../ledger/discard.ts';
import type { RecordPlace } from '../../ledger/record-refusal.ts';
import { oneLine } from '../../runner/log-text.ts';
import { assembleDiscard } from './assemble.ts';
import type { CanaryRun } from './report.ts';

/** Kinds of objects that a rollout creates. */
const madeKinds = [
  resources.deployment,
  resources.statefulSet,
  resources.service,
  resources.horizontalPodAutoscaler,
  resources.podDisruptionBudget,
  resources.destinationRule,
  resources.ingress,
];

/** `mode: discard-record`: discards the record, writes nothing else, and reports what stays as it is. */
export async function giveUpRecord(run: CanaryRun): Promise<void> {
  const { inputs: loaded, signal } = run;
  const { client, ledger, router, place } = assembleDiscard({ ...run, loaded });
  run.closing(() => client.close());
  const lease = await ledger.claim(signal);
  try {
    const discarded = await discardRecord(client, place, AbortSignal.any([signal, lease.lost]));
    run.leaveUnpublished();
    if (!discarded) {
      run.log.info(`${ledger.object} holds no record: nothing was changed.`);
      run.output('reason', 'there was no record to give up');
      return;
    }
    const lines = [
      whatItSaid(ledger.object, discarded),
      await routeAsItIs(router, signal),
      ...(await madeObjects(client, place, signal)),
      'Nothing but the record was changed. See that the route and the workloads are what you want before the next release.',
    ];
    for (const line of lines) run.annotate.warning(oneLine(line), { title: 'Sluice: record given up' });
    run.output('reason', oneLine(lines.join(' ')));
  } finally {
    await lease.release();
  }
}

function whatItSaid(object: string, { phase, startedBy, route, arms }: DiscardedRecord): string {
  if (!phase && !route && !arms) return `${object} is given up; it could not be read.`;
  const workloads = arms ? `${arms.stable} and ${arms.canary}` : 'workloads that it does not name';
  return `${object} is given up. It said that ${startedBy ?? 'somebody'} was ${phase ?? 'somewhere'} in a rollout of ${workloads} on ${route?.object ?? 'a route that it does not name'}: versions, config and numbers of pods stay as they are now.`;
}

async function routeAsItIs(router: Router, signal: AbortSignal): Promise<string> {
  try {
    const { weight } = await router.inspect(signal);
    return `${router.object} sends ${weight} % to the canary, and stays so.`;
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    return `${router.object} stays as it is; its weights could not be told: ${error.message}`;
  }
}

/** The objects that a rollout of this name has created and left, found by their labels. */
async function madeObjects(
  client: Pick<KubernetesClient, 'list'>,
  { namespace, rollout }: RecordPlace,
  signal: AbortSignal,
): Promise<string[]> {
  const labelSelector = selectorText({ matchLabels: ownLabels(rollout) });
  const left: string[] = [];
  const unseen: string[] = [];
  const look = async (type: ResourceType) => {
    try {
      const found = await client.list(type, namespace, { labelSelector }, signal);
      left.push(...found.map(({ metadata: { name } }) => describe({ type, namespace, name })));
    } catch (error) {
      if (!isSluiceError(error)) throw error;
      if (error.code !== 'not-found') unseen.push(type.kind);
    }
  };
  await Promise.all(madeKinds.map(look));
  return [
    ...(left.length > 0 ? [`These were made for a canary and stay: ${left.sort().join(', ')}.`] : []),
    ...(unseen.length > 0
      ? [`Whether there is more of these kinds could not be seen: ${unseen.sort().join(', ')}.`]
      : []),
  ];
}

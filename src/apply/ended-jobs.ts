import type { KubernetesClient } from '../cluster/client.ts';
import { readObject } from '../cluster/read-object.ts';
import { type ObjectReference, resources } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import type { Clock } from '../core/clock.ts';
import { type WarningEvent, warningEvent } from './pod-progress.ts';
import { type Progress, progressOf } from './progress.ts';

/** Milliseconds to wait for the events of a deleted Job: its controller does not write them together with its status. */
const EVENTS_PATIENCE = 3_000;
/** Milliseconds between two requests for the events. */
const LOOK = 500;

export interface EndedJobsOptions {
  readonly client: Pick<KubernetesClient, 'list'>;
  readonly clock: Clock;
}

/**
 * How deleted Jobs have ended: a Job with `ttlSecondsAfterFinished` may be deleted before anybody looks. The last state
 * seen tells it, or else the events, which outlive the Job. Nothing else counts as success.
 */
export function createEndedJobs({ client, clock }: EndedJobsOptions) {
  const known = new Map<string, KubernetesObject>();
  const goneSince = new Map<string, number>();
  let next = Number.POSITIVE_INFINITY;

  async function told({ uid = '', namespace }: KubernetesObject['metadata'], signal: AbortSignal) {
    // By uid, since a former Job of the same name has events as well.
    const fieldSelector = `involvedObject.uid=${uid}`;
    const events = uid === '' ? [] : await client.list(resources.event, namespace, { fieldSelector }, signal);
    return events.map((event) => readObject(event, warningEvent)).find(({ reason }) => ends.has(reason));
  }

  return {
    /** @param objects Jobs as they are now; of one Job, the state given last counts */
    remember(objects: readonly KubernetesObject[]): void {
      for (const object of objects) {
        const { namespace = '', name } = object.metadata;
        known.set(keyOf(namespace, name), object);
      }
    },

    /** When to look at the events again; Infinity where no event is awaited. */
    next(): number {
      return next > clock.now() ? next : Number.POSITIVE_INFINITY;
    },

    /** Progress of a deleted Job; undefined for other kinds, and for a Job that was never seen. */
    async progress({ type, namespace, name }: ObjectReference, signal: AbortSignal): Promise<Progress | undefined> {
      const key = keyOf(namespace, name);
      const last = type.kind === 'Job' ? known.get(key) : undefined;
      if (!last) return undefined;
      const seen = progressOf({ ...last, metadata: { ...last.metadata, deletionTimestamp: undefined } });
      if (seen.state !== 'waiting') return seen;
      const event = await told(last.metadata, signal);
      if (event) return endOf(event);
      const since = goneSince.get(key) ?? clock.now();
      goneSince.set(key, since);
      if (clock.now() >= since + EVENTS_PATIENCE) return unknownEnd;
      next = clock.now() + LOOK;
      return { state: 'waiting', text: 'is gone; its events may tell how it has ended' };
    },
  };
}

const unknownEnd: Progress = {
  state: 'failed',
  text: 'was deleted by somebody in the meantime, or has removed itself after an end that nobody saw',
  isUnseen: true,
};

/**
 * Whether an event of this reason means success.
 * https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/job/job_controller.go
 */
const ends = new Map([
  ['Completed', true],
  ['SuccessCriteriaMet', true],
  ['BackoffLimitExceeded', false],
  ['DeadlineExceeded', false],
  ['PodFailurePolicy', false],
  ['FailedIndexes', false],
  ['MaxFailedIndexesExceeded', false],
]);

function endOf({ reason, message }: WarningEvent): Progress {
  if (ends.get(reason) === true) return { state: 'done', text: 'has completed' };
  return { state: 'failed', text: `failed (${reason}): ${message}` };
}

function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

import type { KubernetesClient } from '../cluster/client.ts';
import { readObject } from '../cluster/read-object.ts';
import { type ObjectReference, resources } from '../cluster/resources.ts';
import type { KubernetesObject } from '../cluster/schema.ts';
import type { Clock } from '../core/clock.ts';
import { type WarningEvent, warningEvent } from './pod-progress.ts';
import { type Progress, progressOf } from './progress.ts';

/** Milliseconds in which the events of a Job arrive that is gone: they are written beside its status, and not with it. */
const EVENTS_PATIENCE = 3_000;
/** Milliseconds between two looks at them. */
const LOOK = 500;

export interface EndedJobsOptions {
  readonly client: Pick<KubernetesClient, 'list'>;
  readonly clock: Clock;
}

/**
 * How Jobs have ended that are gone: one with `ttlSecondsAfterFinished` may be deleted before anybody looks. It is told by the
 * last state that was seen, or else by its events, which outlive it. Nothing else counts as success.
 */
export function createEndedJobs({ client, clock }: EndedJobsOptions) {
  const known = new Map<string, KubernetesObject>();
  const goneSince = new Map<string, number>();
  let next = Number.POSITIVE_INFINITY;

  async function told({ uid = '', namespace }: KubernetesObject['metadata'], signal: AbortSignal) {
    // Of a former Job with that name, there are events as well.
    const fieldSelector = `involvedObject.uid=${uid}`;
    const events = uid === '' ? [] : await client.list(resources.event, namespace, { fieldSelector }, signal);
    return events.map((event) => readObject(event, warningEvent)).find(({ reason }) => ends.has(reason));
  }

  return {
    /** @param objects Jobs as they are now, in any order of time for one of them */
    remember(objects: readonly KubernetesObject[]): void {
      for (const object of objects) {
        const { namespace = '', name } = object.metadata;
        known.set(keyOf(namespace, name), object);
      }
    },

    /** When to look at them again; Infinity where nothing is awaited. */
    next(): number {
      return next > clock.now() ? next : Number.POSITIVE_INFINITY;
    },

    /** Of a Job that is gone; undefined for other objects, and for one of which nothing was ever seen. */
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

/** Whether the event of this reason says that a Job has completed. https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/job/job_controller.go */
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

import * as z from 'zod';
import { readObject } from '../../cluster/read-object.ts';
import { type KubernetesObject, kubernetesObject } from '../../cluster/schema.ts';

const time = z.string().transform((text) => Date.parse(text));
const ended = z.looseObject({ startedAt: time.nullish(), finishedAt: time.nullish() });
const state = z.looseObject({
  running: z.looseObject({ startedAt: time.nullish() }).nullish(),
  terminated: ended.nullish(),
});
const pod = z.looseObject({
  ...kubernetesObject.shape,
  status: z
    .looseObject({
      containerStatuses: z
        .array(
          z.looseObject({
            name: z.string(),
            restartCount: z.number().default(0),
            state: state.prefault({}),
            lastState: state.prefault({}),
          }),
        )
        .default([]),
    })
    .prefault({}),
});

/** One run of a container whose log can be read. All times are milliseconds since the Unix epoch. */
export interface ContainerRun {
  readonly pod: string;
  readonly container: string;
  /** It is the run before the present one. */
  readonly previous: boolean;
  readonly startedAt: number;
}

export interface PodRuns {
  readonly uid: string;
  readonly name: string;
  /** Something in it may write on. */
  readonly isRunning: boolean;
  readonly containers: readonly string[];
  /** Changes with each restart of a container. */
  readonly signature: string;
  /** Those that may have written since the time that was asked for. */
  readonly runs: readonly ContainerRun[];
  /** Why more was written since then than its runs hold. */
  readonly lost?: string;
}

/**
 * The runs of a pod's containers that may have written since a time. A cluster keeps the log of the present run and of the one
 * before: what was written in still earlier ones is lost.
 *
 * @param container only this one; all of them without it
 */
export function runsOf(object: KubernetesObject, container: string | undefined, since: number): PodRuns {
  const { metadata, status } = readObject(object, pod);
  const chosen = status.containerStatuses.filter(({ name }) => container === undefined || name === container);
  const of = (name: string, previous: boolean, startedAt: number | null | undefined): ContainerRun => ({
    pod: metadata.name,
    container: name,
    previous,
    startedAt: startedAt ?? 0,
  });
  const isSince = (finishedAt: number | null | undefined) => !(typeof finishedAt === 'number' && finishedAt < since);
  const runs = chosen.flatMap(({ name, state: present, lastState: { terminated: last } }) => [
    ...(present.running ? [of(name, false, present.running.startedAt)] : []),
    ...(present.terminated && isSince(present.terminated.finishedAt)
      ? [of(name, false, present.terminated.startedAt)]
      : []),
    ...(last && isSince(last.finishedAt) ? [of(name, true, last.startedAt)] : []),
  ]);
  const restarted = chosen.find(
    ({ restartCount, lastState: { terminated: last } }) => restartCount > 1 && (last?.startedAt ?? 0) > since,
  );
  return {
    uid: metadata.uid ?? metadata.name,
    name: metadata.name,
    isRunning: chosen.length === 0 || chosen.some(({ state: present }) => !present.terminated),
    containers: status.containerStatuses.map(({ name }) => name),
    signature: chosen.map(({ name, restartCount }) => `${name}:${restartCount}`).join(','),
    runs,
    ...(restarted && {
      lost: `container ${restarted.name} of pod ${metadata.name} restarted more than once, and the log of its earlier runs is gone`,
    }),
  };
}

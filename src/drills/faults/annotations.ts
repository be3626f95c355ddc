import type { KubernetesObject } from '../../cluster/schema.ts';
import { RUN_ANNOTATION } from './world.ts';

/** On an object of others that a drill has changed for a time: the drill's name, beside the identity of its run. */
const DRILL_ANNOTATION = 'sluice.dev/drill';

export interface Changer {
  readonly drill: string;
  readonly run: string;
}

export function changedBy({ drill, run }: Changer): Record<string, string> {
  return { [DRILL_ANNOTATION]: drill, [RUN_ANNOTATION]: run };
}

/** What a merge patch writes to take the annotations away again. */
export const unchanged = { [DRILL_ANNOTATION]: null, [RUN_ANNOTATION]: null };

export function isChangedBy({ metadata: { annotations = {} } }: KubernetesObject, changer: Changer): boolean {
  return Object.entries(changedBy(changer)).every(([key, value]) => annotations[key] === value);
}

/** The drill that has changed an object and not put it back, with its run; undefined if none has. */
export function changerOf({ metadata: { annotations = {} } }: KubernetesObject): string | undefined {
  const drill = annotations[DRILL_ANNOTATION];
  return drill === undefined ? undefined : `drill ${drill}, run ${annotations[RUN_ANNOTATION] ?? 'not known'}`;
}

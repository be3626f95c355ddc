import { describe, resources } from '../cluster/resources.ts';
import { SluiceError } from '../core/errors.ts';

/** The place of the record of a route's rollouts. */
export interface RecordPlace {
  readonly namespace: string;
  /** Name of the route. */
  readonly rollout: string;
}

/**
 * The error for a record that the inputs and the cluster do not confirm. Somebody who may write a ConfigMap may not have the
 * right to deploy.
 *
 * @param problem what it says and what was expected, as a sentence about the record
 */
export function recordRefusal({ namespace, rollout }: RecordPlace, problem: string): SluiceError {
  const name = `sluice-${rollout}`;
  return new SluiceError('unsupported', {
    about: describe({ type: resources.configMap, namespace, name }),
    problem: `${problem} Nothing of it is acted upon.`,
    next: `Run "mode: undo" of actions/canary with the inputs that the rollout was begun with. If it is none of yours, find out who wrote it, set route and workload right by hand, and give the record up with "mode: discard-record", which says what stays as it is.`,
  });
}

import type { KubeObject } from './objects.ts';
import type { Resource } from './resources.ts';
import { badRequest, StatusError } from './status.ts';

/** A webhook or policy that sees an object before it is stored. */
export interface AdmissionHook {
  readonly name: string;
  /** The kinds for which it is called. */
  readonly kinds: readonly string[];
  /** Returns the changed object, or a text to refuse the write. Called for every writer. */
  readonly admit: (object: KubeObject) => KubeObject | string;
  /** Default true. A webhook with side effects is not called in a dry run: the server refuses that request. */
  readonly supportsDryRun?: boolean;
}

export type Admission = ReturnType<typeof createAdmission>;

/** Called for every write of an object itself, after managedFields were updated, as on the real server. */
export function createAdmission() {
  const hooks = new Set<AdmissionHook>();

  return {
    /** @returns a function that removes it again. */
    add(hook: AdmissionHook): () => void {
      hooks.add(hook);
      return () => hooks.delete(hook);
    },

    /** @throws StatusError if a hook refuses. */
    admit(resource: Resource, object: KubeObject, dryRun: boolean): KubeObject {
      let admitted = object;
      for (const hook of [...hooks].filter(({ kinds }) => kinds.includes(resource.kind))) {
        if (dryRun && hook.supportsDryRun === false) {
          throw badRequest(`admission webhook "${hook.name}" does not support dry run`);
        }
        const answer = hook.admit(structuredClone(admitted));
        if (typeof answer === 'string') {
          throw new StatusError(403, 'Forbidden', `admission webhook "${hook.name}" denied the request: ${answer}`);
        }
        admitted = answer;
      }
      return admitted;
    },
  };
}

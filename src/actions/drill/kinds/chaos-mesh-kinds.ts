import { isSluiceError } from '../../../core/errors.ts';
import { shortChaosFault } from '../../../drills/faults/chaos-mesh/plans.ts';
import { chaosForms, readShortForm, type WrittenForm } from '../../../drills/faults/chaos-mesh/short-forms.ts';
import { chaosWorld } from './chaos-world.ts';
import type { FaultKind } from './fault-kind.ts';
import { podProblem, podTarget } from './kubernetes-kinds.ts';
import type { ShortForm } from './short-form.ts';

function written({ kind, words, settings }: ShortForm): WrittenForm {
  return { kind, arguments: words, values: Object.fromEntries(settings) };
}

/** Faults that Chaos Mesh injects, which has to be installed. */
export const chaosMeshKinds: readonly FaultKind[] = Object.entries(chaosForms).map(([kind, { example, keys, of }]) => ({
  kind,
  about: `A ${of} of Chaos Mesh.`,
  example,
  settings: keys,
  isOnPods: true,
  problem(form) {
    try {
      readShortForm(written(form));
    } catch (error) {
      if (!isSluiceError(error)) throw error;
      return `is wrong: ${error.problem.replace(/\.$/, '')}`;
    }
    return podProblem(form);
  },
  build(form, settings, world) {
    const { namespace, namespaces, maxDuration } = settings;
    const short = { written: written(form), text: form.text, target: podTarget(form, settings), lasts: form.lasts };
    return shortChaosFault(short, { namespace, namespaces, maxDuration }, chaosWorld(world));
  },
}));

import { SluiceError } from '../../core/errors.ts';
import type { Json } from '../../core/json.ts';
import { excerpt } from '../../core/text.ts';
import { removeChaosMesh } from '../../drills/faults/chaos-mesh/remove.ts';
import { chaosForms } from '../../drills/faults/chaos-mesh/short-forms.ts';
import { removeCpuStress } from '../../drills/faults/cpu-stress.ts';
import { removeIstioFault } from '../../drills/faults/istio/fault.ts';
import { removeLitmus } from '../../drills/faults/litmus.ts';
import { removeNodeDrain } from '../../drills/faults/node-drain.ts';
import { removePodKill } from '../../drills/faults/pod-kill.ts';
import { removeScaleToZero } from '../../drills/faults/scale-to-zero.ts';
import type { FaultWorld } from '../../drills/faults/world.ts';

type Remove = (world: FaultWorld, mark: Json, signal: AbortSignal) => Promise<void>;

/** Kind of a fault, as the record of a drill names it → what removes it. */
const removers: ReadonlyMap<string, Remove> = new Map<string, Remove>([
  ['pod-kill', removePodKill],
  ['node-drain', removeNodeDrain],
  ['scale-to-zero', removeScaleToZero],
  ['cpu-stress', removeCpuStress],
  ['istio-delay', removeIstioFault],
  ['istio-abort', removeIstioFault],
  ['manifest', removeChaosMesh],
  ...Object.keys(chaosForms).map((kind): [string, Remove] => [kind, removeChaosMesh]),
  ['litmus', removeLitmus],
]);

interface LeftFault {
  readonly kind: string;
  readonly mark: Json;
}

/** Removes a fault that is known by the record of its drill alone. @throws SluiceError `unsupported` for an unknown kind */
export async function removeLeft(world: FaultWorld, { kind, mark }: LeftFault, signal: AbortSignal): Promise<void> {
  const remove = removers.get(kind);
  if (!remove)
    throw new SluiceError('unsupported', {
      about: `fault ${excerpt(kind, 60)}`,
      problem: 'is of a kind that this version does not know, so that it can not remove it.',
      next: 'Use the version that began the drill, or remove it by hand and give the record up with "mode: discard-record".',
    });
  await remove(world, mark, signal);
}

import type { Opinion } from '../judge/types.ts';
import { judgePods, unseenPods } from './observation/pod-check.ts';
import type { ArmsSnapshot } from './ports.ts';
import { type World, warn } from './world.ts';

/** Looks at the canary's pods, whose health is always judged. */
export interface PodWatch {
  readonly opinion: Opinion;
  look(signal: AbortSignal): Promise<void>;
  /** Reports why the pods can't be read, once for each reason. */
  tellUnseen(reason: string): void;
  /** Drops what was seen: from now on the pods belong to another version. */
  forget(): void;
}

export function createPodWatch(world: World, arms: ArmsSnapshot): PodWatch {
  const { clock, emit } = world;
  const { onPodProblem } = world.judge;
  let opinion = unseenPods(onPodProblem);
  let unseen = '';

  return {
    get opinion() {
      return opinion;
    },
    async look(signal) {
      const health = await world.arms.health(arms, 'canary', signal);
      unseen = '';
      const before = opinion.sentence;
      opinion = judgePods(health, onPodProblem);
      if (health.problems.length > 0 && opinion.sentence !== before) {
        emit({ type: 'pod-problem', at: clock.now(), arm: 'canary', problems: health.problems });
      }
    },
    tellUnseen(reason) {
      if (unseen !== reason) warn(world, `The pods can't be seen: ${reason}`);
      unseen = reason;
    },
    forget() {
      opinion = unseenPods(onPodProblem);
    },
  };
}

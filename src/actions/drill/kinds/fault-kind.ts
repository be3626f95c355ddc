import type { GitOpsSetting } from '../../../cluster/gitops.ts';
import type { FaultWorld } from '../../../drills/faults/world.ts';
import type { Fault } from '../../../drills/ports.ts';
import type { FormOfKind, ShortForm } from './short-form.ts';

/** What faults are made with, beside what a line says. */
export interface FaultSettings {
  readonly namespace: string;
  /** Where pods may be hit. */
  readonly namespaces: readonly string[];
  /** Milliseconds that a fault lasts whose line does not say so, and the most that one may last. */
  readonly maxDuration: number;
  readonly stressImage: string;
  readonly gitops: GitOpsSetting;
  readonly ignoreBudgets: boolean;
}

/** One kind of fault: how its line is read, and what it becomes. */
export interface FaultKind extends FormOfKind {
  readonly kind: string;
  /** One sentence for the documentation. */
  readonly about: string;
  readonly example: string;
  /** What is wrong with a line, as the rest of a sentence that begins with it. */
  problem(form: ShortForm): string | undefined;
  /** It is aimed at pods: a workload or a Service is given to `build` as the selector of its pods. */
  readonly isOnPods: boolean;
  build(form: ShortForm, settings: FaultSettings, world: FaultWorld): Fault;
}

import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import { type Redact, redactedJson } from './redact.ts';

/** What `main` leaves for `post`, which the runner starts as a process of its own; the inputs are there again by themselves. */
const runState = z.object({
  /** Identity of the rollout: the record in the cluster with this id is this run's. */
  id: z.string(),
  /** It came to its end, and nothing is left to do. */
  over: z.boolean(),
  /** Where `main` wrote its report last. */
  report: z.string(),
});
export type RunState = Readonly<z.infer<typeof runState>>;

const NAME = 'sluice';

/** What of `@actions/core` keeps state. */
export interface StateStore {
  saveState(name: string, value: string): void;
  getState(name: string): string;
}

/** The last one saved counts. The state lies in a file of the runner, so secrets are taken out. */
export function saveRunState({ saveState }: Pick<StateStore, 'saveState'>, state: RunState, redact: Redact): void {
  saveState(NAME, redactedJson(state, redact));
}

/** Undefined where `main` did not get as far as to save one: then nothing was written to the cluster either. */
export function loadRunState({ getState }: Pick<StateStore, 'getState'>): RunState | undefined {
  const saved = getState(NAME);
  return saved === '' ? undefined : runState.parse(parseJson(saved));
}

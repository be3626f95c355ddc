import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import { type Redact, redactedJson } from './redact.ts';

/** What `main` leaves for `post`, which the runner starts as a separate process with the same inputs. */
const runState = z.object({
  /** Identity of the rollout: the record in the cluster with this id is this run's. */
  id: z.string(),
  /** The run has ended, and nothing is left to do. */
  over: z.boolean(),
  /** Where `main` last wrote its report. */
  report: z.string(),
});
export type RunState = Readonly<z.infer<typeof runState>>;

const NAME = 'sluice';

/** The part of `@actions/core` that keeps state. */
export interface StateStore {
  saveState(name: string, value: string): void;
  getState(name: string): string;
}

/** Saves the state; the last save counts. The state is in a file of the runner, so secrets are removed from it. */
export function saveRunState({ saveState }: Pick<StateStore, 'saveState'>, state: RunState, redact: Redact): void {
  saveState(NAME, redactedJson(state, redact));
}

/** Undefined where `main` saved no state; then it wrote nothing to the cluster either. */
export function loadRunState({ getState }: Pick<StateStore, 'getState'>): RunState | undefined {
  const saved = getState(NAME);
  return saved === '' ? undefined : runState.parse(parseJson(saved));
}

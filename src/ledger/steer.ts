import type { Command, RolloutRecord } from '../canary/ports.ts';
import type { KubernetesClient } from '../cluster/client.ts';
import { describe, type ObjectReference } from '../cluster/resources.ts';
import type { Clock } from '../core/clock.ts';
import { SluiceError } from '../core/errors.ts';
import { giveCommand, waitingCommand, withdrawCommand } from './commands.ts';
import { createRecordStore } from './record.ts';

/** Milliseconds between two looks at the record. */
const PAUSE = 500;

export interface SteerOptions {
  readonly client: KubernetesClient;
  /** The record of the route's rollouts. */
  readonly object: ObjectReference;
  /** The route's name. */
  readonly rollout: string;
  readonly clock: Clock;
  /** Milliseconds to wait for a running rollout, and again for it to take the command. */
  readonly patience: number;
  /** A prefix of the identities of the wanted rollouts: `16-`, the number of a workflow run. Without it, any rollout is meant. */
  readonly startedBy?: string;
  /** Version of Sluice. */
  readonly version: string;
  /** Receives messages on what is waited for. */
  readonly tell: (message: string) => void;
}

/**
 * Gives a command to the running rollout, as a person does, and waits until it has been taken.
 *
 * @returns the record of the rollout that took it
 * @throws SluiceError `not-found` if no rollout runs in time, `timed-out` if the running one does not take the command, which
 *   is then withdrawn
 */
export async function steer(options: SteerOptions, command: Command, signal: AbortSignal): Promise<RolloutRecord> {
  const { client, object, clock, patience, tell } = options;
  const record = await runningRollout(options, signal);
  tell(`${command.verb} is asked of the rollout that ${record.startedBy} has started`);
  await giveCommand(client, object, command, signal);
  try {
    const until = clock.now() + patience;
    while (clock.now() < until) {
      const seen = await client.find(object, signal);
      if (seen && waitingCommand(seen) === undefined) return record;
      await clock.sleep(PAUSE, signal);
    }
  } catch (error) {
    await withdraw(options, command);
    throw error;
  }
  await withdraw(options, command);
  throw new SluiceError('timed-out', {
    about: describe(object),
    problem: `has the command, but the rollout that ${record.startedBy} has started did not take it in ${patience / 1_000} s.`,
    next: 'Look whether its job still runs. If it does not, run the release workflow again: it goes on from there, or undoes it.',
  });
}

/** The record, as soon as it shows a rollout that follows commands. */
async function runningRollout(
  { client, object, rollout, clock, patience, startedBy = '', version, tell }: SteerOptions,
  signal: AbortSignal,
): Promise<RolloutRecord> {
  const isMeant = (record: RolloutRecord | undefined): record is RolloutRecord =>
    record !== undefined && isRunning(record) && record.id.startsWith(startedBy);
  const { load } = createRecordStore({ client, object, rollout, version });
  const until = clock.now() + patience;
  let record = await load(signal);
  if (!isMeant(record)) tell(`No rollout of ${rollout} runs yet; waiting up to ${patience / 1_000} s for one`);
  while (!isMeant(record)) {
    if (clock.now() >= until) throw noRollout(object, record, startedBy !== '');
    await clock.sleep(PAUSE, signal);
    record = await load(signal);
  }
  return record;
}

/** A frozen or held rollout has no process that follows commands. */
function isRunning({ phase }: RolloutRecord): boolean {
  return phase !== 'ended' && phase !== 'paused';
}

/** Withdraws the command, as the next run would take it. A cancelled run withdraws it as well. */
function withdraw({ client, object }: SteerOptions, command: Command): Promise<void> {
  return withdrawCommand(client, object, command, AbortSignal.timeout(5_000));
}

function noRollout(object: ObjectReference, record: RolloutRecord | undefined, onlyThisRun: boolean): SluiceError {
  if (record && isRunning(record)) {
    return new SluiceError('not-found', {
      about: describe(object),
      problem: `shows a rollout of another run: ${record.startedBy} has started it.`,
      next: 'It was not touched. Approve or reject it in its own run.',
    });
  }
  const last =
    record?.verdict === undefined ? '' : `: the last one is ${record.verdict} (${record.reason ?? 'no reason'})`;
  const whose = onlyThisRun ? ' of this run' : '';
  return new SluiceError('not-found', {
    about: describe(object),
    problem: `shows no rollout${whose} under way${last}.`,
    next:
      record?.phase === 'paused'
        ? 'Nobody listens any more: run the release workflow again to go on, or with "on-interrupted: undo" to go back.'
        : 'Check "rollout" and "namespace", or start the release first.',
  });
}

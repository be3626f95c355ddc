import { carryOut } from '../change/carry-out.ts';
import type { Change } from '../change/change.ts';
import { formatDuration } from '../core/duration.ts';
import { SluiceError } from '../core/errors.ts';
import { concludable } from './conclude.ts';
import { type DrillTypes, endDrill, type Progress, type Results } from './ending.ts';
import type { DrillOutcome, FaultOutcome } from './events.ts';
import { type Journal, openJournal } from './journal.ts';
import { requireWithin } from './limits.ts';
import type { Moment } from './ports.ts';
import type { DrillRecord } from './record.ts';
import { runFault, withoutMark } from './run-fault.ts';
import { watchRequests } from './watch-requests.ts';
import type { DrillOptions, DrillWorld } from './world.ts';

/**
 * Breaks what the faults say, one after the other, measures what users feel of it, and removes each. Whatever happens, each fault that
 * was injected is removed before this ends; if the process is killed, `concludeLeft` or the next drill does so.
 *
 * @param cancelled stops the drill, which then removes its faults
 * @throws SluiceError for what was refused before anything was injected, and `locked`; a service that is not steady aborts the drill
 */
export async function drill(world: DrillWorld, options: DrillOptions, cancelled: AbortSignal): Promise<DrillOutcome> {
  const { clock, emit, faults } = world;
  emit({
    type: 'started',
    at: clock.now(),
    service: options.service,
    faults: faults.map(({ kind, text, lasts, endedBy }) => ({ kind, text, lasts, endedBy })),
    requests: world.requests.asked,
    requestKind: world.requests.kind,
    targets: options.targets.map(({ text }) => text),
    successTarget: options.successTarget,
    dryRun: options.dryRun,
  });
  try {
    return await carryOut(changeOf(world, options), cancelled);
  } catch (error) {
    if (!(error instanceof NotSteady)) throw error;
    const { problem: reason, next } = error;
    const outcome: DrillOutcome = { verdict: 'aborted', reason, next, faults: [], advice: [], left: [] };
    emit({ type: 'ended', at: clock.now(), outcome });
    return outcome;
  }
}

function changeOf(world: DrillWorld, options: DrillOptions): Change<DrillTypes> {
  const { store, clock, emit } = world;
  const progress: Progress = {};
  return {
    ...concludable(world, options, progress),
    dryRun: options.dryRun,
    leftover: 'concluded',
    async plan(_, signal) {
      await world.admit(options.limits.namespaces, signal);
      const aims = await Promise.all(world.faults.map((fault) => fault.aim(signal)));
      for (const [index, fault] of world.faults.entries()) {
        const aim = aims[index];
        if (aim) requireWithin(options.limits, fault, aim);
      }
      return { isNeeded: true, aims, results: undefined };
    },
    async refuse(_, signal) {
      if (options.dryRun) return;
      const { evidence, warnings } = await world.requests.preflight(signal);
      emit({ type: 'ready', at: clock.now(), evidence });
      for (const message of warnings) emit({ type: 'warning', at: clock.now(), message });
      await requireSteady(world, signal);
    },
    tell({ aims }) {
      for (const [index, aim] of aims.entries()) emit({ type: 'aimed', at: clock.now(), index, aim: withoutMark(aim) });
    },
    async record(_, signal) {
      const { id, startedBy } = options;
      const record: DrillRecord = { schema: 1, id, startedBy, startedAt: clock.now(), faults: [] };
      await store.save(record, signal);
      progress.journal = openJournal(store, record);
      return record;
    },
    async apply(plan, signal) {
      const { journal } = progress;
      if (!journal) throw new TypeError('a drill is recorded before its faults are injected');
      return { ...plan, results: await runFaults(world, options, journal, signal) };
    },
    verify: async () => undefined,
    end: (ending, signal) => endDrill(world, ending, signal),
  };
}

/** The steady state is not proven, so that nothing was injected. */
class NotSteady extends SluiceError {}

/** @throws NotSteady */
async function requireSteady(world: DrillWorld, signal: AbortSignal): Promise<void> {
  const outcome = await world.steady?.('before', signal);
  if (outcome === undefined || outcome.verdict === 'passed') return;
  throw new NotSteady('not-ready', {
    about: 'steady state',
    problem: `The steady state is not proven before the drill: ${outcome.reason}. Nothing was injected.`,
    next: 'Mend what the checks found, and run the drill again.',
  });
}

/** Runs the faults one after the other, until one of them has to stop the drill. */
async function runFaults(
  world: DrillWorld,
  options: DrillOptions,
  journal: Journal,
  signal: AbortSignal,
): Promise<Results> {
  const { clock, emit, faults } = world;
  const moments: Moment[] = [];
  const over = new AbortController();
  const during = AbortSignal.any([signal, over.signal]);
  const watch = watchRequests(world, during);
  const responses = world.responders.map((responder) =>
    responder.follow((moment) => {
      moments.push(moment);
      emit({ type: 'moment', at: clock.now(), moment });
    }, during),
  );
  try {
    await clock.sleep(options.baseline, AbortSignal.any([signal, watch.broken]));
    const outcomes: FaultOutcome[] = [];
    let stopped: string | undefined;
    const course = { world, options, journal, watch, moments };
    for (const [index, fault] of faults.entries()) {
      const pause = options.pauses[index] ?? 0;
      if (pause > 0) {
        emit({ type: 'pausing', at: clock.now(), milliseconds: pause });
        await clock.sleep(pause, signal);
      }
      const ran = await runFault(course, index, fault, signal);
      outcomes.push(ran.outcome);
      stopped = ran.stopped;
      if (stopped !== undefined) break;
    }
    return { faults: outcomes, stopped, steadyAfter: await steadyAfter(world, options, signal) };
  } finally {
    over.abort();
    await watch.end();
    await Promise.allSettled(responses);
  }
}

/** Waits until the checks say that the service is steady again, and no longer than a recovery may take. */
async function steadyAfter(
  { steady, clock }: DrillWorld,
  { recoveryTimeout }: DrillOptions,
  signal: AbortSignal,
): Promise<Results['steadyAfter']> {
  if (!steady) return undefined;
  const until = clock.now() + recoveryTimeout;
  for (;;) {
    const { verdict, reason } = await steady('after', signal);
    if (verdict === 'passed') return { state: 'back', reason };
    if (clock.now() >= until) {
      const told = `${formatDuration(recoveryTimeout)} after it, ${reason}`;
      return { state: verdict === 'failed' ? 'not-back' : 'unknown', reason: told };
    }
    await clock.sleep(Math.min(5_000, until - clock.now()), signal);
  }
}

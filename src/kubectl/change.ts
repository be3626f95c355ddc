import type { DeployVerdict, Inventory } from '../apply/inventory.ts';
import { union, without } from '../apply/references.ts';
import type { Cause, Change, Concludable, Ending } from '../change/change.ts';
import { LAST_ACTS } from '../change/conclude.ts';
import { reasonOf, SluiceError } from '../core/errors.ts';
import { apply } from './apply.ts';
import { type Conclusion, end, inventoryOf, nextOf, summaryOf } from './ending.ts';
import type { DeployTypes, Mark } from './mark.ts';
import { claimIn } from './namespace.ts';
import { type Intended, isUnfinished, plan, refuse, tellPlan, type Work } from './plan.ts';
import { prune } from './prune.ts';
import { snapshotOf, undo } from './undo.ts';
import { waitFor } from './verify.ts';
import type { DeployOptions, DeployWorld } from './world.ts';

/** Concludes a deployment that a run has left, from its inventory and its snapshot. */
export function concludable(world: DeployWorld, options: DeployOptions): Concludable<DeployTypes> {
  const { store, clock, emit } = world;
  const undoTime = options.timeout + LAST_ACTS;
  return {
    id: options.id,
    clock,
    undoTime: { failed: undoTime, cancelled: undoTime, stopped: undoTime },
    claim: (signal) => world.claim(signal),
    async look(signal) {
      const former = await store.load(signal);
      return { former, left: isUnfinished(former) ? { id: former.id, ...leftBy(former) } : undefined };
    },
    tellLeft({ mark: { begun } }) {
      emit({ type: 'resumed', at: clock.now(), by: begun.startedBy, since: begun.startedAt });
      if (!store.isConfirmed()) emit({ type: 'unconfirmed', at: clock.now(), object: store.object });
    },
    async finish({ begun, pruned }, signal) {
      if (pruned.length === 0) return;
      const pruning: Inventory = { ...begun, phase: 'pruning', prune: [...pruned] };
      if (begun.phase !== 'pruning') await store.save(pruning, signal);
      await prune(world, options, pruning, signal);
    },
    undo: (mark, cause, signal) => undo(world, options, { mark, cause: errorOf(cause, mark) }, signal),
    end: (ending, signal) => endWith(world, options, ending, signal),
  };
}

/** The deployment of these objects, as a change. */
export function deployment(world: DeployWorld, options: DeployOptions, intended: Intended): Change<DeployTypes> {
  const { store } = world;
  return {
    ...concludable(world, options),
    dryRun: options.dryRun,
    leftover: 'taken over',
    claim: (signal) => claimIn(world, options, intended.hasNamespace, signal),
    plan: ({ former }, signal) => plan(world, options, { ...intended, left: former }, signal),
    refuse: (work, signal) => refuse(world, options, work, signal),
    tell: (work) => tellPlan(world, work),
    async record(work, signal) {
      const { left, objects, kept } = work;
      const present = objects.map(({ reference }) => reference);
      // Everything that this run may change, and everything that was there before.
      const begun = { ...inventoryOf(options, work, 'applying'), objects: union(left?.objects ?? [], present) };
      if (options.undoOnFailure) await store.saveSnapshot(await snapshotOf(world, work, signal), signal);
      await store.save(begun, signal);
      const done = { ...begun, objects: union(present, kept) };
      return { begun, pruned: work.prunable.map(({ reference }) => reference), done };
    },
    async apply(work, signal) {
      return { ...work, written: await apply(world, options, work.changes, signal) };
    },
    async verify({ objects, written }, signal) {
      await waitFor(world, options, { references: objects.map(({ reference }) => reference), written }, signal);
    },
  };
}

function leftBy(left: Inventory): { readonly mark: Mark; readonly isApplied: boolean } {
  const pruned = left.prune ?? [];
  const done = { ...left, objects: without(left.objects, pruned) };
  return { mark: { begun: left, pruned, done }, isApplied: left.phase === 'pruning' };
}

/** Closes the inventory, unless the next run has to continue. */
async function endWith(
  world: DeployWorld,
  options: DeployOptions,
  ending: Ending<DeployTypes>,
  signal: AbortSignal,
): Promise<DeployVerdict | undefined> {
  const { clock, emit } = world;
  if (ending.verdict === undefined) return undefined;
  if (ending.verdict === 'applied') return end(world, ending.mark.done, deployed(ending.plan, clock.now()), signal);
  if (ending.verdict === 'unchanged') {
    const reason = `All ${ending.plan.objects.length} objects are as the manifests say.`;
    return end(world, inventoryOf(options, ending.plan, 'ended'), { verdict: 'unchanged', reason, next: '' }, signal);
  }
  const { verdict } = ending;
  if (ending.verdict === 'failed' && ending.how === 'not-verified') {
    const { plan: work, error } = ending;
    const reason = `Nothing was to be changed, but: ${reasonOf(error)}`;
    return end(world, inventoryOf(options, work, 'ended'), { verdict, reason, next: nextOf(error) }, signal);
  }
  if (ending.verdict === 'failed' && ending.how === 'not-undone') {
    const { cause, mark, error } = ending;
    const reason = `${reasonOf(errorOf(cause, mark))} It could not be undone: ${reasonOf(error)}`;
    const next = `${nextOf(error)} The next run begins where this one stopped.`;
    emit({ type: 'ended', at: clock.now(), verdict, reason, next });
    return verdict;
  }
  const { cause, undone } = ending;
  const error = errorOf(cause, undone.mark);
  const reason = `${reasonOf(error)} ${undone.state}`;
  return end(world, undone.mark.done, { verdict, reason, next: nextOf(error) }, signal);
}

function deployed(work: Work | undefined, now: number): Conclusion {
  const reason = work ? summaryOf(work, now) : 'It was finished after it had been stopped while it pruned.';
  return { verdict: 'deployed', reason, next: '' };
}

function errorOf(cause: Cause, { begun }: Mark): unknown {
  return cause.kind === 'stopped' ? stopped(begun) : cause.error;
}

function stopped({ phase }: Inventory): SluiceError {
  return new SluiceError('cancelled', {
    about: 'this run',
    problem: `was stopped while it was ${phase}.`,
    next: 'Run the workflow again to deploy.',
  });
}

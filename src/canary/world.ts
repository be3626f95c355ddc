import type { Clock } from '../core/clock.ts';
import type { Panel } from '../judge/panel.ts';
import type { Plan } from '../judge/plan.ts';
import type { OnBreach } from '../judge/types.ts';
import type { DecisionPolicy } from './decide.ts';
import type { CommandLines, Emit, Forecast, NamedArms, Tallies } from './events.ts';
import type { Arms, ConcludingArms, Ledger, Meter, MeterReadiness, RolloutRecord, Router } from './ports.ts';

/** A threshold check's PromQL: of the canary, and of the stable arm where the two are compared. */
export interface GaugeQueries {
  /** The check's name in the panel. */
  readonly check: string;
  readonly canary: string;
  readonly stable?: string;
}

/** What judges a rollout. */
interface Judge {
  readonly panel: Panel;
  readonly gauges: readonly GaugeQueries[];
  /** What a pod in trouble leads to. */
  readonly onPodProblem: OnBreach;
}

/** What the arms have served until now. */
export interface Counted extends Tallies {
  /** No counter of the canary was ever seen. */
  readonly canaryUnmeasured: boolean;
}

/** The adapters of one rollout. */
export interface World {
  readonly router: Router;
  readonly meter: Meter;
  readonly arms: Arms;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly judge: Judge;
  readonly emit: Emit;
  /** Told what the arms have served until now, after every reading: a router compares the canary's share with its weight. */
  counted(total: Counted): void;
  /** What the plan can be expected to see of this much traffic. */
  forecast(readiness: MeterReadiness, plan: Plan): Forecast;
}

/** What it takes to conclude a rollout that has begun: its record knows the rest. */
export interface ConcludingWorld extends Pick<World, 'router' | 'clock' | 'emit'> {
  readonly arms: ConcludingArms;
}

/**
 * How much of a rollout is done: all of it; the plan alone, after which the stable workload is left to be deployed by
 * somebody else; or what follows then.
 */
type RolloutMode = 'release' | 'shift' | 'finish';

/** Times in milliseconds. */
export interface RolloutOptions extends DecisionPolicy {
  readonly mode: RolloutMode;
  readonly plan: Plan;
  /** Identifies this run: a record with this id was written by it. */
  readonly id: string;
  /** Hash over all that the user asked for: the same release asked for again has the same one. */
  readonly fingerprint: string;
  /** The run and the person, for the record: `alice, https://github.com/acme/shop/actions/runs/1`. */
  readonly startedBy: string;
  /** What is compared, for whoever is told. */
  readonly arms?: NamedArms;
  /** The commit that the workflow runs for. */
  readonly commit?: string | undefined;
  /** What to do with a rollout of this same release that a dead run left behind. */
  readonly onInterrupted: 'resume' | 'undo';
  /** For the whole rollout; after it the route is restored. */
  readonly timeout: number;
  /** For the data plane to follow one shift. */
  readonly confirmTimeout: number;
  /** For pods to become ready, each time. */
  readonly readyTimeout: number;
  /** For the undo, which starts its own clock. */
  readonly undoTimeout: number;
}

/** The record of a rollout together with the way to write its next state: record, then act. */
export interface Journal {
  readonly record: RolloutRecord;
  write(change: Partial<RolloutRecord>, signal: AbortSignal): Promise<void>;
}

export function openJournal(ledger: Ledger, start: RolloutRecord): Journal {
  let record = start;
  return {
    get record() {
      return record;
    },
    async write(change, signal) {
      const next = { ...record, ...change };
      await ledger.save(next, signal);
      record = next;
    },
  };
}

/** A signal that does not abort: for acts that must not be cut off and that have deadlines of their own. */
export function never(): AbortSignal {
  return new AbortController().signal;
}

export function warn({ clock, emit }: Pick<World, 'clock' | 'emit'>, message: string): void {
  emit({ type: 'warning', at: clock.now(), message });
}

/** The commands to copy that steer a rollout. */
export function commandLines({ commandLine }: Ledger): CommandLines {
  return { abort: commandLine('abort'), approve: commandLine('approve'), freeze: commandLine('freeze') };
}

import type { Clock } from '../core/clock.ts';
import type { WatchedCheck } from '../gates/check-watch.ts';
import type { Panel } from '../judge/panel.ts';
import type { Plan } from '../judge/plan.ts';
import type { OnBreach, Tallies } from '../judge/types.ts';
import type { Emit } from './events.ts';
import type { Forecast } from './observation/forecast.ts';
import type { Arms, CommandLines, ConcludingArms, Ledger, Meter, MeterReadiness, Router } from './ports.ts';

/** A check that asks something else than the meter. */
export interface SourceCheck extends WatchedCheck {
  readonly onBreach: OnBreach;
}

/** What judges a rollout. */
interface Judge {
  readonly panel: Panel;
  readonly checks: readonly SourceCheck[];
  /** The consequence of a pod in trouble. */
  readonly onPodProblem: OnBreach;
}

/** What the arms have served so far. */
export interface Counted extends Tallies {
  /** No counter of the canary has ever been seen. */
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
  /** Receives what the arms have served so far, after every reading: a router compares the canary's share with its weight. */
  counted(total: Counted): void;
  /** What the plan is expected to see with this much traffic. */
  forecast(readiness: MeterReadiness, plan: Plan): Forecast;
}

/** What is needed to conclude a rollout that has begun: its record has the rest. */
export interface ConcludingWorld extends Pick<World, 'router' | 'clock' | 'emit'> {
  readonly arms: ConcludingArms;
}

export function warn({ clock, emit }: Pick<World, 'clock' | 'emit'>, message: string): void {
  emit({ type: 'warning', at: clock.now(), message });
}

/** The commands to copy for steering a rollout. */
export function commandLines({ commandLine }: Ledger): CommandLines {
  return { abort: commandLine('abort'), approve: commandLine('approve'), freeze: commandLine('freeze') };
}

import { isSluiceError, SluiceError } from '../core/errors.ts';
import { askSources } from '../gates/preflight.ts';
import type { Plan } from '../judge/plan.ts';
import type { RolloutOptions } from './options.ts';
import type { ArmsSnapshot, RouteSnapshot } from './ports.ts';
import { commandLines, type World, warn } from './world.ts';

/** Emits the first event of a run. */
export function announce({ ledger, meter, clock, emit }: World, options: RolloutOptions, dryRun: boolean): void {
  emit({
    type: 'started',
    at: clock.now(),
    id: options.id,
    plan: options.plan,
    by: options.startedBy,
    source: meter.source,
    interval: meter.interval,
    ...(meter.kind === 'none' && { uncounted: true }),
    dryRun,
    ...(options.arms && { arms: options.arms }),
    ...(options.commit !== undefined && { commit: options.commit }),
    commands: commandLines(ledger),
  });
}

/** What existed before the first write. */
interface Found {
  readonly route: RouteSnapshot;
  readonly found: ArmsSnapshot;
}

/** Only reads, so that wrong inputs are refused before anything has changed. */
export async function refuseWhatCannotWork(world: World, plan: Plan, signal: AbortSignal): Promise<Found> {
  const { router, arms, meter, judge, clock, emit } = world;
  const [route, found] = await Promise.all([router.inspect(signal), arms.inspect(signal)]);
  if (route.weight !== 0) throw alreadyShifted(route.object, route.weight);
  const { warnings, notes } = (await router.survey?.(route, signal)) ?? { warnings: [], notes: [] };
  for (const message of [...warnings, ...(found.warnings ?? [])]) warn(world, message);
  const [readiness, asked] = await Promise.all([
    meter.preflight(signal).catch(withWaysOut),
    askSources(judge.checks, (message) => warn(world, message), signal),
  ]);
  // A forecast needs counted requests.
  const foretold = meter.kind === 'none' ? {} : { forecast: world.forecast(readiness, plan) };
  const said = [...notes, ...asked];
  const told = { arms: found, readiness, ...foretold, ...(said.length > 0 && { notes: said }) };
  emit({ type: 'preflight', at: clock.now(), route: route.object, ...told });
  return { route, found };
}

/** The advice for a service whose requests are not found. */
const WAYS_OUT =
  'There are three ways out (docs/service.md): let the service count its requests; name the counter that there is by "metrics", or by "query-requests" and "query-errors"; or release on the health of the pods alone by "meter: none".';

function withWaysOut(error: unknown): never {
  if (!isSluiceError(error, 'bad-query')) throw error;
  const { about, problem, next } = error;
  throw new SluiceError('bad-query', { about, problem, next: `${next} ${WAYS_OUT}`, cause: error });
}

export function alreadyShifted(object: string, weight: number): SluiceError {
  return new SluiceError('unsupported', {
    about: object,
    problem: `already sends ${weight} % to the canary, and no record of a rollout explains it.`,
    next: 'Set the canary weight to 0, or swap the inputs for stable and canary if the last release was promoted that way.',
  });
}

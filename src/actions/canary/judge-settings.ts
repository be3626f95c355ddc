import type { GaugeQueries } from '../../canary/world.ts';
import type { Check, PanelOptions } from '../../judge/panel.ts';
import type { Plan } from '../../judge/plan.ts';
import type { Arm } from '../../judge/readings.ts';
import type { OnBreach } from '../../judge/types.ts';
import { expand } from '../../meters/queries/own-queries.ts';
import type { Names } from '../../meters/queries/rules.ts';
import { meterOf } from './contradictions.ts';
import type { CanaryInputs } from './inputs.ts';
import { type Place, servicesOf } from './router-options.ts';

/** The checks of the panel, and the other settings of the checks that the rollout needs. */
export interface JudgeSettings {
  readonly checks: readonly Check[];
  readonly panel: PanelOptions;
  readonly gauges: readonly GaugeQueries[];
  readonly onPodProblem: OnBreach;
}

const leastRequests = 100;

/**
 * The settings of the judge. Where a check has no setting of its own, the input of the same name counts.
 *
 * @throws SluiceError `invalid-input` for a query with an unknown placeholder
 */
export function judgeSettings(inputs: CanaryInputs, plan: Plan, place: Place): JudgeSettings {
  const names = namesOf(inputs, place);
  const checks: Check[] = [];
  const gauges: GaugeQueries[] = [];
  let onPodProblem: OnBreach = 'rollback';
  for (const one of inputs.checks) {
    const common = {
      ...('name' in one && one.name !== undefined && { name: one.name }),
      ...(one['on-breach'] && { onBreach: one['on-breach'] }),
    };
    switch (one.check) {
      case 'unanswered':
        break;
      case 'pods':
        onPodProblem = one['on-breach'] ?? 'rollback';
        break;
      case 'error-rate':
        // `error-rate` is a default check, but a service without metrics cannot have it; the summary says so.
        if (meterOf(inputs) === 'none') break;
        checks.push({ kind: 'error-rate', ...common, ...comparisonOf(one, inputs) });
        break;
      case 'latency':
        checks.push({ kind: 'latency', ...common, ...comparisonOf(one, inputs), bound: one.bound / 1_000 });
        break;
      case 'max-error-rate':
        checks.push({
          kind: 'max-error-rate',
          ...common,
          limit: one.limit,
          minRequests: one['min-requests'] ?? leastRequests,
        });
        break;
      case 'promql': {
        const relativeTo = one['relative-to'];
        const limit = {
          breach: one.above === undefined ? 'below' : 'above',
          limit: one.above ?? one.below ?? 0,
        } as const;
        checks.push({ kind: 'threshold', ...common, name: one.name, ...limit, ...(relativeTo && { relativeTo }) });
        gauges.push({
          check: one.name,
          canary: expand(one.query, 'canary', names),
          ...(relativeTo && { stable: expand(one.query, 'stable', names) }),
        });
      }
    }
  }
  // A step without a time of its own is also watched: while it holds, or while the promoted pods start.
  const panel = { alpha: inputs['false-rollback-probability'], steps: Math.max(1, plan.steps.length) };
  return { checks, panel, gauges, onPodProblem };
}

/**
 * Accepted excess of requests slower than the bound, compared with stable: new processes all start cold at the same time.
 */
const COLD_START = { excess: 0.05, designEffect: 3 } as const;
/** Requests that one leaving client gives up at the same time. */
const GIVEN_UP_TOGETHER = 2;

/**
 * The checks that always run, whether listed or not: requests that end without an answer, and requests that take so long that
 * their clients have given up.
 */
export function watchedChecks(inputs: CanaryInputs): Check[] {
  const listed = inputs.checks.find((one) => one.check === 'unanswered');
  const onBreach = listed?.['on-breach'] ?? 'rollback';
  const tolerances = comparisonOf(listed ?? {}, inputs);
  const designEffect = Math.max(tolerances.designEffect, GIVEN_UP_TOGETHER);
  return [
    { kind: 'unanswered', onBreach, ...tolerances, designEffect },
    { kind: 'hanging', onBreach, early: tolerances.early, ...COLD_START },
  ];
}

/** The names of the arms in metrics. */
export function namesOf(inputs: CanaryInputs, { namespace, workloads }: Place): Names {
  const services = servicesOf(inputs);
  const arm = (which: Arm, version: string | undefined) => ({
    workload: workloads[which].name,
    ...(services[which].name !== '' && { service: services[which].name }),
    ...(version !== undefined && { version }),
  });
  return {
    namespace,
    stable: arm('stable', inputs['stable-subset']),
    canary: arm('canary', inputs['canary-subset']),
  };
}

type CheckTolerances = Extract<CanaryInputs['checks'][number], { check: 'error-rate' }>;

function comparisonOf(
  check: Pick<CheckTolerances, 'tolerance' | 'absolute-tolerance' | 'burst-size'>,
  inputs: CanaryInputs,
) {
  return {
    tolerance: check.tolerance ?? inputs.tolerance,
    excess: check['absolute-tolerance'] ?? inputs['absolute-tolerance'],
    designEffect: check['burst-size'] ?? inputs['burst-size'],
    early: { beta: inputs['early-promotion-error'] },
  };
}

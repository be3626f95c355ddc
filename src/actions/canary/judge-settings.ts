import type { Check, PanelOptions } from '../../judge/panel.ts';
import type { Arm } from '../../judge/readings.ts';
import type { OnBreach } from '../../judge/types.ts';
import type { Names } from '../../meters/queries/rules.ts';
import { meterOf } from './contradictions.ts';
import type { CanaryInputs } from './inputs.ts';
import type { LoadedInputs } from './load-inputs.ts';
import { type Place, servicesOf } from './router-options.ts';
import type { SharedCheckInput } from './shared-checks.ts';

interface Judged extends Pick<LoadedInputs, 'inputs' | 'plan'> {
  readonly shared: readonly Pick<SharedCheckInput, 'isStatistical' | 'onBreach'>[];
}

/** The checks of the panel, and the other settings of the checks that the rollout needs. */
export interface JudgeSettings {
  readonly checks: readonly Check[];
  readonly panel: PanelOptions;
  readonly onPodProblem: OnBreach;
}

const leastRequests = 100;

/** The settings of the judge. Where a check has no setting of its own, the input of the same name counts. */
export function judgeSettings({ inputs, plan, shared }: Judged): JudgeSettings {
  const checks: Check[] = [];
  let onPodProblem: OnBreach = 'rollback';
  for (const one of inputs.checks) {
    const common = {
      ...('name' in one && one.name !== undefined && { name: one.name }),
      ...('on-breach' in one && one['on-breach'] && { onBreach: one['on-breach'] }),
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
      case 'shared':
        // Such a check asks something else than the meter.
        break;
    }
  }
  // A step without a time of its own is also watched: while it holds, or while the promoted pods start.
  const panel = { alpha: shareOf(inputs, shared).panel, steps: Math.max(1, plan.steps.length) };
  return { checks, panel, onPodProblem };
}

/** The part of the error probability that the panel has at least: the checks that always run are in it. */
const LEAST_OF_PANEL = 0.1;

/**
 * How the error probability is shared: each check with one gets the same part, in the panel and outside of it, so that all of
 * them together stop a good canary with at most the whole.
 */
export function shareOf(
  inputs: CanaryInputs,
  shared: Judged['shared'],
): { readonly panel: number; readonly each: number } {
  const alpha = inputs['false-rollback-probability'];
  const others = shared.filter(({ isStatistical, onBreach }) => isStatistical && onBreach !== 'warn').length;
  if (others === 0) return { panel: alpha, each: alpha };
  const comparing = inputs.checks.filter(
    (one) => (one.check === 'error-rate' || one.check === 'latency') && one['on-breach'] !== 'warn',
  ).length;
  const ofPanel = Math.max(LEAST_OF_PANEL, meterOf(inputs) === 'none' ? 0 : comparing);
  const each = alpha / (ofPanel + others);
  return { panel: each * ofPanel, each };
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

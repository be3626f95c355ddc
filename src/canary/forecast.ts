import type { Plan } from '../judge/plan.ts';
import { rehearse } from '../judge/rehearsal.ts';
import type { Forecast } from './events.ts';
import type { MeterReadiness } from './ports.ts';

/** What is foretold about. Rates are fractions, times milliseconds. */
export interface ForecastOptions {
  readonly plan: Plan;
  /** Between two looks at the metrics. */
  readonly interval: number;
  /** Probability of a false rollback that the judge is set to. */
  readonly alpha: number;
  readonly tolerance: number;
  readonly excess: number;
  readonly designEffect: number;
  /** Canary error rate that the plan must find. */
  readonly detects: number;
  /** Error rate that the stable version is assumed to have. */
  readonly stableRate: number;
  /** Rollouts to simulate: more tell more exactly and take longer. */
  readonly rollouts: number;
}

/** What the plan can be expected to see of the traffic that was measured; without traffic, nothing. */
export function forecast(options: ForecastOptions, { requestsPerSecond }: MeterReadiness): Forecast {
  const { plan, detects, stableRate } = options;
  if (requestsPerSecond === undefined || requestsPerSecond <= 0) {
    return { detects, stableRate, steps: plan.steps.map(({ weight }) => ({ weight })) };
  }
  const rehearsal = rehearse({ ...options, requestsPerSecond, faultyRate: detects });
  return {
    detects,
    stableRate,
    requestsPerSecond,
    detection: rehearsal.found,
    steps: rehearsal.steps.map(({ weight, expectedRequests, canaryRequests }) => ({
      weight,
      expectedRequests,
      ...(Number.isFinite(canaryRequests) && { neededRequests: canaryRequests }),
    })),
  };
}

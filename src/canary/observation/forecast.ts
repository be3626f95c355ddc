import type { Plan } from '../../judge/plan.ts';
import { rehearse } from '../../judge/rehearsal.ts';
import type { MeterReadiness } from '../ports.ts';

/** What one step of the plan can be expected to tell, worked out before the first write. */
interface StepForecast {
  readonly weight: number;
  /** Canary requests that the step is expected to see; absent where the rate of requests is not known. */
  readonly expectedRequests?: number;
  /** Canary requests on average until a breach at the error rate `Forecast.detects` is proved. */
  readonly neededRequests?: number;
}

/** The rehearsal of a plan against a fault of a given size. */
export interface Forecast {
  /** Canary error rate that the figures are about. */
  readonly detects: number;
  /** Stable error rate that was assumed or measured. */
  readonly stableRate: number;
  /** Stable and canary together, as measured before the first write. */
  readonly requestsPerSecond?: number;
  /** Probability that the plan finds the fault. */
  readonly detection?: number;
  readonly steps: readonly StepForecast[];
}

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

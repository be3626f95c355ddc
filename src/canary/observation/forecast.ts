import type { Plan } from '../../judge/plan.ts';
import { rehearse } from '../../judge/rehearsal.ts';
import type { MeterReadiness } from '../ports.ts';

/** What one step of the plan is expected to show, worked out before the first write. */
interface StepForecast {
  readonly weight: number;
  /** Expected canary requests of the step; absent if the rate of requests is not known. */
  readonly expectedRequests?: number;
  /** Average number of canary requests until a breach at the error rate `Forecast.detects` is proved. */
  readonly neededRequests?: number;
}

/** The simulation of a plan against a fault of a given size. */
export interface Forecast {
  /** The canary error rate of the simulated fault. */
  readonly detects: number;
  /** The assumed or measured stable error rate. */
  readonly stableRate: number;
  /** Stable and canary together, as measured before the first write. */
  readonly requestsPerSecond?: number;
  /** Probability that the plan finds the fault. */
  readonly detection?: number;
  readonly steps: readonly StepForecast[];
}

/** The input of a forecast. Rates are fractions, times milliseconds. */
export interface ForecastOptions {
  readonly plan: Plan;
  /** Between two looks at the metrics. */
  readonly interval: number;
  /** The judge's configured probability of a false rollback. */
  readonly alpha: number;
  readonly tolerance: number;
  readonly excess: number;
  readonly designEffect: number;
  /** Canary error rate that the plan must find. */
  readonly detects: number;
  /** Assumed error rate of the stable version. */
  readonly stableRate: number;
  /** How many rollouts to simulate: more are more exact and take longer. */
  readonly rollouts: number;
}

/** What the plan is expected to see with the measured traffic; empty without traffic. */
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

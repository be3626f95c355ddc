import { describe, expect, it } from 'vitest';
import type { FaultOutcome } from '../../../../src/drills/events.ts';
import { advise, type ServiceFacts } from '../../../../src/drills/measure/advice.ts';

const nothing: ServiceFacts = { workload: 'Deployment shop/checkout' };
const bare: ServiceFacts = {
  ...nothing,
  replicas: 3,
  hasBudget: false,
  retries: false,
  timeout: false,
  hasReadiness: false,
  hasPreStop: false,
  isSpread: false,
  outlierDetection: false,
  autoscaler: false,
};
const good: ServiceFacts = {
  ...nothing,
  replicas: 3,
  hasBudget: true,
  retries: true,
  timeout: true,
  hasReadiness: true,
  hasPreStop: true,
  isSpread: true,
  outlierDetection: true,
  autoscaler: true,
};

function outcome(kind: string, lost: number, more: Partial<FaultOutcome> = {}, during = 30): FaultOutcome {
  const latency = (p95: number) => ({ p50: 10, p95, p99: 2 * p95 });
  return {
    fault: { kind, text: `${kind} on app=checkout one`, lasts: 0, endedBy: 'sluice' },
    effect: { felt: 'felt', evidence: '1 of 1 pods is gone' },
    injectedAt: 0,
    removedAt: 0,
    measured: {
      requests: 1_000,
      lost,
      success: 1 - lost / 1_000,
      lowestSuccess: 0,
      belowTarget: 0,
      recovery: undefined,
      latency: { before: latency(30), during: latency(during), after: latency(30) },
      faults: [],
      gaps: [],
    },
    targets: [{ target: 'success >= 99%', state: lost > 10 ? 'failed' : 'passed', sentence: '' }],
    ...more,
  };
}

const about = (facts: ServiceFacts, ...faults: FaultOutcome[]) =>
  advise(facts, faults).map(
    (advice) =>
      /one replica|Budget|retries|timeout|readiness|preStop|topologySpread|outlierDetection|Autoscaler/.exec(
        advice,
      )?.[0],
  );

describe('advice', () => {
  it('is what the facts and the drill show', () => {
    expect(about(bare, outcome('pod-kill', 40))).toEqual(['Budget', 'retries', 'readiness', 'preStop']);
    expect(about(bare, outcome('node-drain', 40))).toContain('topologySpread');
    expect(about(bare, outcome('network-loss', 40))).toEqual(['Budget', 'retries', 'readiness', 'outlierDetection']);
    expect(about(bare, outcome('network-delay', 0, {}, 800))).toEqual(['timeout']);
    expect(about(bare, outcome('cpu-stress', 40))).toContain('Autoscaler');
    expect(about({ ...nothing, replicas: 1 }, outcome('pod-kill', 40))).toEqual(['one replica']);
  });

  it('is nothing where all is well, nothing is known, or no fault was felt', () => {
    expect(advise(good, [outcome('pod-kill', 40, {}, 800)])).toEqual([]);
    expect(advise(nothing, [outcome('pod-kill', 40, {}, 800)])).toEqual([]);
    const unfelt = { effect: { felt: 'unknown', evidence: '' } } as const;
    expect(advise(bare, [outcome('pod-kill', 40, unfelt, 800)])).toEqual([]);
  });

  it('names what was measured and the next step', () => {
    expect(advise({ ...nothing, timeout: false }, [outcome('network-delay', 0, {}, 800)])).toEqual([
      'Requests waited (p95 800ms during the fault, 30ms before), and the route has no timeout: set one that is a little over the slowest good answer.',
    ]);
  });
});

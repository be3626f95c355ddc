import type { RolloutEvent } from '../../../src/canary/events.ts';
import { parsePlan } from '../../../src/judge/plan-syntax.ts';
import type { Tallies, Tally } from '../../../src/judge/types.ts';
import { sum, withEvent } from '../../../src/report/canary-report.ts';
import type { Report } from '../../../src/report/canary-report-schema.ts';
import { emptyReport } from '../../../src/report/empty-report.ts';

export const start = Date.UTC(2026, 2, 1, 3, 14, 0);

export const commands = {
  abort: 'kubectl -n shop annotate configmap sluice-checkout sluice.dev/abort="why"',
  approve: 'kubectl -n shop annotate configmap sluice-checkout sluice.dev/approve="why"',
  freeze: 'kubectl -n shop annotate configmap sluice-checkout sluice.dev/freeze="why"',
};

interface Story {
  /** Canary error rate by weight; stable has 0.5 %. */
  readonly errors: (weight: number) => number;
  readonly plan?: string;
  /** Milliseconds between two intervals. */
  readonly interval?: number;
  /** Requests per second, both arms together. */
  readonly load?: number;
}

/** The events of a made-up rollout: a breach ends it at 30 more canary errors than stable's rate explains. */
export function tell({ errors, plan: line = '5 for 2m, 25 for 3m, 100', interval = 1_000, load = 100 }: Story) {
  const plan = parsePlan(line);
  const events: RolloutEvent[] = [];
  let now = start;
  let total: Tallies = { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 } };
  const random = seeded(7);
  const count = (requests: number, rate: number): Tally => {
    const errors = Array.from({ length: requests }, random).filter((value) => value < rate).length;
    return { requests, errors };
  };
  const after = (milliseconds: number) => {
    now += milliseconds;
    return now;
  };
  events.push({
    type: 'started',
    at: now,
    id: '4711-1',
    plan,
    by: 'alice, https://github.com/acme/shop/actions/runs/4711',
    source: 'pods of deployment/checkout, port 9090',
    interval,
    dryRun: false,
    commands,
  });
  events.push({
    type: 'preflight',
    at: now,
    route: 'VirtualService shop/checkout',
    arms: {
      stable: 'Deployment shop/checkout',
      canary: 'Deployment shop/checkout-canary',
      revision: 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef',
    },
    readiness: { traffic: true, requestsPerSecond: load, evidence: `${load} requests a second on 3 pods` },
  });
  let from = 0;
  for (const [index, step] of plan.steps.entries()) {
    events.push({ type: 'step-entered', at: after(500), index, step });
    events.push({ type: 'shifted', at: after(300), from, to: step.weight });
    events.push({
      type: 'confirmed',
      at: after(700),
      weight: step.weight,
      evidence: `generation ${index + 2} observed`,
    });
    from = step.weight;
    let excess = 0;
    for (let left = step.most; left > 0; left -= interval) {
      now += interval;
      const canary = count(Math.round((load * interval * step.weight) / 100_000), errors(step.weight));
      const stable = count(Math.round((load * interval * (100 - step.weight)) / 100_000), 0.005);
      total = sum(total, { stable, canary });
      excess += canary.errors - canary.requests * 0.005;
      const breached = excess > 30;
      const opinion = {
        check: 'error-rate',
        state: breached ? ('breach' as const) : ('unknown' as const),
        onBreach: 'rollback' as const,
        progress: Math.min(1, Math.max(0, excess / 30)),
        sentence: `canary ${total.canary.errors} of ${total.canary.requests}; evidence ${excess.toFixed(1)} of 30`,
        figures: { evidence: excess },
      };
      events.push({
        type: 'interval',
        at: now,
        weight: step.weight,
        interval: { stable, canary },
        total,
        opinions: [opinion],
        timeLeft: left - interval,
      });
      if (!breached) continue;
      const reason = `error-rate: ${opinion.sentence}`;
      const revision = 'sha256:5f70bf18a086';
      events.push({ type: 'breach', at: now, weight: step.weight, opinion });
      events.push({ type: 'restoring', at: now, from: step.weight, to: 0, reason });
      events.push({ type: 'restored', at: after(120), weight: 0 });
      events.push({
        type: 'ended',
        at: after(2_000),
        verdict: 'rolled-back',
        reason,
        reached: step.weight,
        weight: 0,
        revision,
      });
      return events;
    }
  }
  const digest = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';
  events.push({ type: 'promoting', at: now });
  events.push({ type: 'verified', at: after(4_000), digest, evidence: '3 of 3 pods are available' });
  const reason = 'every step ended without a breach';
  events.push({
    type: 'ended',
    at: now,
    verdict: 'promoted',
    reason,
    reached: 100,
    weight: 0,
    revision: digest,
    digest,
  });
  return events;
}

/** Evenly spread numbers in [0, 1), the same ones each time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function reportOf(events: readonly RolloutEvent[]): Report {
  return events.reduce(withEvent, emptyReport);
}

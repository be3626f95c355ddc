import type { RolloutEvent } from '../../src/canary/events.ts';
import type { Report } from '../../src/report/canary-report-schema.ts';
import type { GateReport } from '../../src/report/gate-report.ts';
import { reportOf, start, tell } from '../unit/report/story.ts';

const commit = 'de9f2c7fd25e1b3afad3e85a0bd17d9b100db4b3';
const plan = '5 for 2m, 25 for 3m, 50 for 3m, 100';
const [quietFrom, quietTo] = [start + 61_000, start + 86_000];

/** A made-up rollout with a fault from 25 % on, and 25 s without data before. */
export function rolledBack(): Report {
  const events = tell({ errors: (weight) => (weight >= 25 ? 0.08 : 0.005), plan });
  return reportOf(events.map((event) => named(silenced(event))));
}

export function promoted(): Report {
  return reportOf(tell({ errors: () => 0.005, plan }).map(named));
}

function silenced(event: RolloutEvent): RolloutEvent {
  if (event.type !== 'interval' || event.at <= quietFrom || event.at >= quietTo) return event;
  const reason = 'Prometheus did not answer (timed out)';
  return { type: 'no-data', at: event.at, weight: event.weight, reason, since: quietFrom, patience: 120_000 };
}

function named(event: RolloutEvent): RolloutEvent {
  if (event.type === 'started') return { ...event, commit };
  if (event.type === 'preflight')
    return { ...event, arms: { ...event.arms, versions: { stable: '1.0.0', canary: '1.1.0' } } };
  if (event.type !== 'interval') return event;
  const { stable, canary } = event.total;
  const figures = {
    canaryRequests: canary.requests,
    canaryBad: canary.errors,
    stableRequests: stable.requests,
    stableBad: stable.errors,
    limit: 4.6,
  };
  const opinions = event.opinions.map((said) => ({ ...said, figures: { ...figures, evidence: 4.6 * said.progress } }));
  return { ...event, opinions };
}

/** A made-up gate of a rate and a value, with a time without data. */
export function gateReport(verdict: NonNullable<GateReport['verdict']>): GateReport {
  const looks = Array.from({ length: 30 }, (_, index) => ({
    at: start + index * 2_000 + (index > 12 ? 20_000 : 0),
    state: 'undecided' as const,
    progress: Math.min(1, index / 40),
    figures: {
      total: 100 * (index + 1),
      bad: index,
      rate: index / (100 * (index + 1)),
      limit: 0.05,
      evidence: index / 10,
    },
  }));
  const check = { state: verdict, evidence: '2 series answer now', figures: {}, gaps: [], looks };
  const gap = { from: start + 24_000, to: start + 46_000, reason: 'Prometheus did not answer (timed out)' };
  const values = looks.map((look) => ({ ...look, figures: { value: 3 + look.progress * 10, breachAbove: 20 } }));
  return {
    schema: 1,
    kind: 'gate',
    by: 'alice, https://github.com/acme/shop/actions/runs/4711',
    startedAt: start,
    endedAt: start + 80_000,
    watch: 80_000,
    verdict,
    warning: false,
    reason: 'errors: 29 of 3,000 events were bad (0.97 %), limit 5 %',
    ...(verdict === 'undecided' && { lacks: 'data' as const }),
    checks: [
      { ...check, name: 'errors', kind: 'ratio', asked: 'rate(a) / rate(b)', sentence: '29 of 3,000', gaps: [gap] },
      {
        ...check,
        name: 'queue',
        kind: 'promql',
        asked: 'queue_length',
        sentence: 'queue 10',
        state: 'passed',
        looks: values,
      },
    ],
    warnings: [{ at: start + 1_000, text: 'the credentials of Prometheus go over plain HTTP' }],
  };
}

import type { DrillEvent, DrillOutcome, FaultOutcome } from '../../src/drills/events.ts';
import type { FaultPlan } from '../../src/drills/ports.ts';
import type { CheckOutcome, GateEvent } from '../../src/gates/events.ts';
import { withDrillEvent } from '../../src/report/drill/drill-events.ts';
import { type DrillReport, newDrillReport } from '../../src/report/drill/drill-report.ts';

const drillStart = Date.UTC(2026, 2, 1, 3);

/** Milliseconds of the drill's second. */
export const second = (seconds: number): number => drillStart + seconds * 1_000;

export const plan: FaultPlan = { kind: 'pod-kill', text: 'pod-kill on app=checkout one', lasts: 0, endedBy: 'sluice' };

export const aim = {
  pods: [{ namespace: 'shop', name: 'checkout-1', uid: 'u1', node: 'n1' }],
  candidates: 3,
  writes: ['delete Pod shop/checkout-1'],
  warnings: ['the pod has a volume of its own'],
};

export const newDrill = (rest: Partial<DrillReport> = {}): DrillReport => ({
  ...newDrillReport({
    service: 'shop/checkout',
    name: 'nightly',
    by: 'alice, https://github.com/acme/shop/actions/runs/4711',
    startedAt: drillStart,
    dryRun: false,
  }),
  ...rest,
});

export const outcome = (rest: Partial<FaultOutcome> = {}): FaultOutcome => ({
  fault: plan,
  effect: { felt: 'felt', evidence: '1 of 1 pods are gone' },
  injectedAt: second(10),
  removedAt: second(12),
  measured: {
    requests: 400,
    lost: 12,
    success: 0.97,
    lowestSuccess: 0.4,
    belowTarget: 3_100,
    recovery: { fromInjection: 4_200, fromRemoval: 2_200 },
    latency: {
      before: { p50: 10, p95: 20, p99: 30 },
      during: { p50: 11, p95: 900, p99: 1_500 },
      after: undefined,
    },
    faults: [{ fault: 'HTTP 503', count: 12 }],
    gaps: [],
  },
  targets: [
    { target: 'recovery <= 3s', state: 'failed', sentence: '4.2 s' },
    { target: 'success >= 95 %', state: 'passed', sentence: '97 %' },
    { target: 'alert Errors within 1m', state: 'missing', sentence: 'no server of alerts is given' },
  ],
  ...rest,
});

const ending = (rest: Partial<DrillOutcome> = {}): DrillOutcome => ({
  verdict: 'not-resilient',
  reason: 'recovery <= 3s was missed: 4.2 s',
  next: 'Let requests be tried again.',
  faults: [outcome()],
  score: 66.9,
  advice: ['The VirtualService has no retries.'],
  left: [],
  ...rest,
});

export const ended = (rest: Partial<DrillOutcome> = {}): DrillEvent => ({
  type: 'ended',
  at: second(41),
  outcome: ending(rest),
});

export const started = (rest: Partial<Extract<DrillEvent, { type: 'started' }>> = {}): DrillEvent => ({
  ...{ type: 'started', at: drillStart, service: 'shop/checkout', faults: [plan], requests: '10 a second: GET /' },
  ...{ requestKind: 'own', targets: ['recovery <= 3s'], successTarget: 0.99, dryRun: false },
  ...rest,
});

const check = (state: CheckOutcome['state']): CheckOutcome => ({
  ...{ check: 'errors', state, isFinal: true, progress: 0.1, sentence: '1 of 900', figures: {} },
});

/** The checks of the steady state, once. */
export function steady(when: 'before' | 'after', verdict: 'passed' | 'failed', at: number): DrillEvent[] {
  const reason = verdict === 'passed' ? '1 of 1 checks passed' : 'errors: too many';
  const events: GateEvent[] = [
    { type: 'started', at, watch: 0, checks: [{ check: 'errors', kind: 'ratio', asked: 'rate(bad) / rate(all)' }] },
    { type: 'looked', at, outcome: check(verdict) },
    { type: 'ended', at, outcome: { verdict, warning: false, reason, checks: [check(verdict)] } },
  ];
  return events.map((event) => ({ type: 'steady', at, when, event }));
}

/** Ten requests of one second, of which some fail. */
export function requestsOf(seconds: number, bad: number): DrillEvent[] {
  return Array.from({ length: 10 }, (_, index) => {
    const from = second(seconds) + index * 100;
    const isBad = index < bad;
    const took = isBad ? 900 : 10 + index;
    const tally = { from, to: from + took, good: isBad ? 0 : 1, bad: isBad ? 1 : 0, took };
    return { type: 'requests', at: from + took, tally: isBad ? { ...tally, fault: 'HTTP 503' } : tally };
  });
}

/** A drill of one pod kill, that users feel for four seconds, with a time of which nothing is known. */
export function drillEvents(): DrillEvent[] {
  const index = 0;
  return [
    started(),
    { type: 'aimed', at: second(0), index, aim },
    { type: 'ready', at: second(0), evidence: '10 of 10 requests were answered' },
    ...steady('before', 'passed', second(1)),
    ...Array.from({ length: 10 }, (_, at) => requestsOf(at, 0)).flat(),
    { type: 'injecting', at: second(10), index, aim },
    { type: 'injected', at: second(10.1), index },
    { type: 'felt', at: second(10.5), index, effect: { felt: 'felt', evidence: '1 of 1 pods are gone' } },
    ...Array.from({ length: 4 }, (_, at) => requestsOf(10 + at, 6 - at)).flat(),
    { type: 'removing', at: second(12), index, text: plan.text },
    { type: 'removed', at: second(12), index, text: plan.text },
    {
      type: 'moment',
      at: second(16),
      moment: { at: second(13), kind: 'outlier-ejection', state: 'opened', text: 'checkout-2 is ejected' },
    },
    ...Array.from({ length: 6 }, (_, at) => requestsOf(14 + at, 0)).flat(),
    { type: 'no-requests', at: second(30), from: second(20), reason: 'the API server is away' },
    ...Array.from({ length: 10 }, (_, at) => requestsOf(30 + at, 0)).flat(),
    { type: 'measured', at: second(40), index, outcome: outcome() },
    ...steady('after', 'failed', second(40)),
    ...steady('after', 'passed', second(41)),
    ended(),
    {
      type: 'compared',
      at: second(42),
      earlier: 20,
      history: '/tmp/history.json',
      changes: [
        { fault: plan.text, figure: 'recovery', state: 'worse', sentence: '4.2 s, else 1 s to 2 s' },
        { fault: plan.text, figure: 'lost requests', state: 'same', sentence: '12, else 8 to 15' },
      ],
    },
  ];
}

export function drillReportOf(...events: readonly DrillEvent[]): DrillReport {
  return events.reduce(withDrillEvent, newDrill());
}

/** All that a report of a drill can contain, with one text in all places that others can influence. */
export function drillWithText(text: string): DrillReport {
  const report = drillReportOf(...drillEvents());
  const [fault] = report.faults;
  if (!fault?.measured) throw new Error('the story has a fault that was measured');
  const gate = report.steady.before;
  const told = gate && {
    ...{ ...gate, reason: text, by: text },
    checks: gate.checks.map((one) => ({ ...one, name: text, kind: text, asked: text, sentence: text })),
  };
  return {
    ...{ ...report, service: text, name: text, by: text, reason: text, next: `${text}\n${text}`, history: text },
    faults: [
      {
        ...{ ...fault, text, kind: text, notRemoved: text },
        aim: {
          ...{ pods: [{ namespace: text, name: text, uid: text, node: text }], candidates: 2 },
          ...{ writes: [text], warnings: [text] },
        },
        effect: { felt: 'felt', evidence: text },
        measured: { ...fault.measured, faults: [{ fault: text, count: 1 }] },
        targets: [{ target: text, state: 'failed', sentence: text }],
        stopped: { at: second(11), reason: text },
      },
    ],
    targets: [text],
    steady: { before: told, after: told },
    requests: {
      ...{ ...report.requests, asked: text, evidence: text },
      gaps: report.requests.gaps.map((gap) => ({ ...gap, reason: text })),
    },
    moments: [{ at: second(13), kind: text, state: text, about: text, text }],
    comparison: { earlier: 2, changes: [{ fault: text, figure: text, state: 'worse', sentence: text }] },
    advice: [text],
    left: [text],
    warnings: [{ at: second(1), text }],
    notes: [{ at: second(1), level: 'warning', text }],
  };
}

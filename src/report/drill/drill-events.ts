import type { DrillEvent, DrillOutcome } from '../../drills/events.ts';
import type { FaultPlan } from '../../drills/ports.ts';
import { type GateReport, withGateEvent } from '../gate-report.ts';
import type { DrillReport, ReportedFault } from './drill-report.ts';
import { settledRequests, withGap, withTally } from './drill-requests.ts';
import { drillSentence, reportedOutcome } from './drill-sentences.ts';

/** Moments and notes that a report keeps; a drill of hours with an unquiet autoscaler has more. */
const MOST = 2_000;

/** The report with one more event. */
export function withDrillEvent(report: DrillReport, event: DrillEvent): DrillReport {
  return withNote(withFacts(report, event), event);
}

/** What a report says of itself, without the timeline. */
function withFacts(report: DrillReport, event: DrillEvent): DrillReport {
  switch (event.type) {
    case 'started':
      return started(report, event);
    case 'warning':
      return warned(report, event.at, event.message);
    case 'ready':
      return { ...report, requests: { ...report.requests, evidence: event.evidence } };
    case 'steady':
      return withSteady(report, event);
    case 'requests':
      return { ...report, requests: withTally(report.requests, event.tally) };
    case 'no-requests':
      return {
        ...report,
        requests: withGap(report.requests, { from: event.from, to: event.at, reason: event.reason }),
      };
    case 'moment':
      return { ...report, moments: [...report.moments.slice(1 - MOST), event.moment] };
    case 'compared': {
      const { earlier, changes, history } = event;
      return { ...report, comparison: { earlier, changes }, ...(history !== undefined && { history }) };
    }
    case 'ended':
      return ended(report, event.at, event.outcome);
    case 'failed':
      return failed(report, event);
    case 'resumed':
    case 'pausing':
      return report;
    default:
      return withFault(report, event);
  }
}

type OfFault = Extract<DrillEvent, { index: number }>;

function withFault(report: DrillReport, event: OfFault): DrillReport {
  const index = event.index >= 0 ? event.index : placeOf(report, 'text' in event ? event.text : undefined);
  const fault = report.faults[index];
  if (!fault) return report;
  return { ...report, faults: report.faults.with(index, changed(fault, event)) };
}

/** A fault that is removed by its record is known by its text. */
function placeOf({ faults }: DrillReport, text: string | undefined): number {
  return faults.findIndex((one) => one.text === text && one.injectingAt !== undefined && one.removedAt === undefined);
}

function changed(fault: ReportedFault, event: OfFault): ReportedFault {
  switch (event.type) {
    case 'aimed':
      return { ...fault, aim: event.aim };
    case 'injecting':
      return { ...fault, aim: event.aim, injectingAt: event.at };
    case 'injected':
      return { ...fault, injectedAt: event.at };
    case 'felt': {
      const { effect } = event;
      return { ...fault, effect, ...(effect.felt === 'felt' && { feltAt: fault.feltAt ?? event.at }) };
    }
    case 'stopped':
      return { ...fault, stopped: { at: event.at, reason: event.reason } };
    case 'removing':
      return fault;
    case 'removed': {
      const { notRemoved: _, ...rest } = fault;
      return { ...rest, removedAt: event.at };
    }
    case 'not-removed': {
      const { about, problem, next } = event.failure;
      return { ...fault, notRemoved: `${about}: ${problem} ${next}` };
    }
    case 'measured':
      return { ...fault, ...reportedOutcome(event.outcome) };
  }
}

type Started = Extract<DrillEvent, { type: 'started' }>;

function started(report: DrillReport, event: Started): DrillReport {
  const { at, service, faults, requests: asked, requestKind: kind, targets, successTarget, dryRun } = event;
  return {
    ...report,
    ...{ startedAt: at, service, targets, successTarget, dryRun },
    faults: faults.map(newFault),
    requests: { ...report.requests, kind, ...(asked !== undefined && { asked }) },
  };
}

function newFault({ text, kind, lasts, endedBy }: FaultPlan): ReportedFault {
  return { text, kind, lasts, endedBy, targets: [] };
}

function warned(report: DrillReport, at: number, text: string): DrillReport {
  return { ...report, warnings: [...report.warnings.slice(1 - MOST), { at, text }] };
}

function withSteady(report: DrillReport, { when, event, at }: Extract<DrillEvent, { type: 'steady' }>): DrillReport {
  // Each look begins anew: it is asked again and again until the service is steady.
  const before = event.type === 'started' ? undefined : report.steady[when];
  const gate = withGateEvent(before ?? newGate(report.by, at), event);
  return { ...report, steady: { ...report.steady, [when]: gate } };
}

function newGate(by: string, startedAt: number): GateReport {
  return {
    ...{ schema: 1, kind: 'gate', by, startedAt, watch: 0, warning: false, reason: 'nothing was looked at' },
    ...{ checks: [], warnings: [] },
  };
}

function ended(report: DrillReport, endedAt: number, outcome: DrillOutcome): DrillReport {
  const { verdict, reason, next, faults, score, advice, left } = outcome;
  // A drill that was stopped has no outcomes: what was measured until then stays.
  const known = report.faults.map((fault, index) => {
    const one = faults[index];
    return one ? { ...fault, ...reportedOutcome(one) } : fault;
  });
  return {
    ...report,
    ...(verdict && { verdict }),
    ...(score !== undefined && { score }),
    ...(next !== '' && { next }),
    ...{ reason, advice, left, endedAt },
    faults: [...known, ...faults.slice(known.length).map(reportedOutcome)],
    requests: settledRequests(report.requests),
  };
}

/** An error after a verdict adds what to do, and does not take the reason away. */
function failed(report: DrillReport, { at, failure }: Extract<DrillEvent, { type: 'failed' }>): DrillReport {
  const { about, problem, next } = failure;
  const requests = settledRequests(report.requests);
  if (report.verdict !== undefined) return { ...report, requests, next: report.next ?? next };
  return { ...report, requests, reason: `${about}: ${problem}`, next, endedAt: at };
}

function withNote(report: DrillReport, event: DrillEvent): DrillReport {
  const sentence = drillSentence(event, (index) => report.faults[index]?.text ?? 'a fault of an earlier run');
  if (!sentence) return report;
  const { notes } = report;
  // The steady state is asked again and again.
  if (notes.at(-1)?.text === sentence.text) return report;
  return { ...report, notes: [...notes.slice(1 - MOST), { at: event.at, ...sentence }] };
}

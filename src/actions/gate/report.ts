import { formatDuration } from '../../core/duration.ts';
import { count } from '../../core/wording.ts';
import type { CheckOutcome, GateEvent } from '../../gates/events.ts';
import { type GateReport, gateReportSchema, type ReportedCheck } from '../../report/gate-report.ts';
import { renderGate } from '../../report/gate-summary.ts';
import { thinned } from '../../report/thin.ts';
import type { ReportedRun, Reporting, Run } from '../../runner/define.ts';
import { failureOf } from '../../runner/failure.ts';
import { createLines, levelStyles } from '../../runner/log-lines.ts';
import type { Style } from '../../runner/log-text.ts';
import { pagePath, writePage } from '../../runner/results.ts';
import type { GateInputs, gateOutputs } from './inputs.ts';

type Output = keyof typeof gateOutputs;
export type GateRun = ReportedRun<GateInputs, Output, GateEvent>;

/** Log, annotations, outputs, summary and report of one gate. */
export const gateReport: Reporting<GateInputs, Output, GateEvent, GateReport> = {
  path: ({ report }) => report,
  begin: async ({ facts, clock, inputs }) => ({
    schema: 1,
    kind: 'gate',
    by: facts.startedBy,
    startedAt: clock.now(),
    watch: inputs.watch,
    warning: false,
    reason: 'nothing was looked at',
    checks: [],
    warnings: [],
  }),
  follow: withGateEvent,
  speaker: (run) => ({
    tell: createTeller(run),
    failed: (error) => ({ type: 'failed', at: run.clock.now(), failure: failureOf(error) }),
  }),
  outputs: outputsOf,
  summary: renderGate,
  beside: (report, path, { redact, facts }) =>
    writePage(report, path, redact, async (json) => {
      // Loaded at the end, so that a gate begins without it.
      const { gatePage } = await import('../../report/page/gate-page.ts');
      return gatePage(gateReportSchema.parse(json), facts.server);
    }),
};

/** Looks of one check that a report keeps; more of them are thinned out. */
const MOST_LOOKS = 1_000;

export function withGateEvent(report: GateReport, event: GateEvent): GateReport {
  switch (event.type) {
    case 'started': {
      const checks = event.checks.map(({ check: name, kind, asked }) => ({ ...newCheck, name, kind, asked }));
      return { ...report, startedAt: event.at, watch: event.watch, checks };
    }
    case 'ready':
      return withCheck(report, event.check, (check) => ({ ...check, evidence: event.evidence }));
    case 'warning':
      return { ...report, warnings: [...report.warnings, { at: event.at, text: event.message }] };
    case 'no-data':
      return withCheck(report, event.check, (check) => ({
        ...check,
        gaps: [...check.gaps, { from: event.since, to: event.at, reason: event.reason }],
      }));
    case 'looked':
      return withCheck(report, event.outcome.check, (check) => withLook(check, event.at, event.outcome));
    case 'ended': {
      const { verdict, warning, reason, lacks, score, checks } = event.outcome;
      const ended = checks.reduce(
        (left, outcome) => withCheck(left, outcome.check, (check) => withOutcome(check, outcome)),
        report,
      );
      return {
        ...ended,
        verdict,
        warning,
        reason,
        ...(lacks && { lacks }),
        ...(score && { score }),
        endedAt: event.at,
      };
    }
    case 'failed': {
      const { about, problem, next } = event.failure;
      return { ...report, reason: `${about}: ${problem}`, next, endedAt: event.at };
    }
  }
}

const newCheck: Omit<ReportedCheck, 'name' | 'kind' | 'asked'> = {
  state: 'undecided',
  sentence: 'nothing was measured yet',
  figures: {},
  looks: [],
  gaps: [],
};

function withCheck(report: GateReport, name: string, change: (check: ReportedCheck) => ReportedCheck): GateReport {
  return { ...report, checks: report.checks.map((check) => (check.name === name ? change(check) : check)) };
}

function withLook(check: ReportedCheck, at: number, outcome: CheckOutcome): ReportedCheck {
  const { state, progress, figures } = outcome;
  const looks = [...check.looks, { at, state, progress, figures }];
  const [last, gap] = [check.looks.at(-1), check.gaps.at(-1)];
  // A gap ends with the first look after it.
  const isOpen = gap !== undefined && (last === undefined || last.at < gap.to);
  const gaps = isOpen ? [...check.gaps.slice(0, -1), { ...gap, to: at }] : check.gaps;
  return {
    ...withOutcome(check, outcome),
    looks: [...thinned(looks, MOST_LOOKS, ({ state }) => state)],
    gaps,
  };
}

function withOutcome(check: ReportedCheck, { state, lacks, sentence, figures }: CheckOutcome): ReportedCheck {
  const { lacks: _, ...rest } = check;
  return { ...rest, state, sentence, figures, ...(lacks && { lacks }) };
}

const styles: Readonly<Record<CheckOutcome['state'], Style | undefined>> = {
  passed: undefined,
  warning: 'yellow',
  failed: ['red', 'bold'],
  undecided: 'dim',
};

/** The log and the annotations. */
function createTeller({ inputs, facts, log, annotate }: Run<GateInputs, Output>): (event: GateEvent) => void {
  const { line, copy } = createLines(log, facts);
  const said = new Map<string, string>();

  return (event) => {
    switch (event.type) {
      case 'started': {
        const time = event.watch === 0 ? 'one look' : `watched for ${formatDuration(event.watch)}`;
        return line(
          event.at,
          `Gate: ${count(event.checks.length)} ${event.checks.length === 1 ? 'check' : 'checks'}, ${time}`,
        );
      }
      case 'ready':
        return line(event.at, `${event.check}: ${event.evidence}`);
      case 'warning':
        line(event.at, event.message, levelStyles.warning);
        return annotate.warning(event.message, { title: 'Sluice gate' });
      case 'no-data':
        return line(event.at, `${event.check}: no data: ${event.reason}`, levelStyles.warning);
      case 'looked': {
        const { check, state, sentence } = event.outcome;
        const told = `${check}: ${state}: ${sentence}`;
        // A look that shows the same again says nothing new.
        if (said.get(check) === told) return;
        said.set(check, told);
        return line(event.at, told, styles[state]);
      }
      case 'ended': {
        const { verdict, warning, reason } = event.outcome;
        const title = `Sluice gate: ${verdict}${warning ? ' with a warning' : ''}`;
        line(event.at, `${verdict.toUpperCase()}: ${reason}`, verdict === 'passed' ? 'green' : ['red', 'bold']);
        if (verdict === 'passed' && !warning) return annotate.notice(reason, { title });
        const fails = verdict === 'failed' || (verdict === 'undecided' && inputs['on-undecided'] === 'fail');
        return fails ? annotate.error(reason, { title }) : annotate.warning(reason, { title });
      }
      case 'failed': {
        const { about, problem, next } = event.failure;
        annotate.error(`${about}: ${problem} ${next}`, { title: 'Sluice gate: no answer' });
        return copy(next);
      }
    }
  };
}

export function outputsOf(
  { verdict, warning, reason, lacks, score }: GateReport,
  path: string,
): Record<Output, string> {
  return {
    verdict: verdict ?? '',
    passed: String(verdict === 'passed'),
    warning: String(warning),
    reason,
    lacks: lacks ?? '',
    score: score ? String(Math.round(score.least * 10) / 10) : '',
    report: path,
    'report-html': pagePath(path),
  };
}

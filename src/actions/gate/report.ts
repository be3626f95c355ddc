import { formatDuration } from '../../core/duration.ts';
import { count } from '../../core/wording.ts';
import type { CheckOutcome, GateEvent } from '../../gates/events.ts';
import { type GateReport, gateReportSchema, withGateEvent } from '../../report/gate-report.ts';
import { renderGate } from '../../report/gate-summary.ts';
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

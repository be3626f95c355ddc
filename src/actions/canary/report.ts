import type { RolloutEvent } from '../../canary/events.ts';
import { withEvent } from '../../report/canary-report.ts';
import type { Report } from '../../report/canary-report-schema.ts';
import { renderSummary } from '../../report/canary-summary.ts';
import type { ReportedRun, Reporting } from '../../runner/define.ts';
import { failureOf } from '../../runner/failure.ts';
import { createAnnotations, type Fails } from './annotations.ts';
import type { LoadedInputs } from './load-inputs.ts';
import { createLog } from './log.ts';
import { type OutputName, outputsOf } from './outputs.ts';
import { readReport, writeBeside } from './publish.ts';

export type CanaryRun = ReportedRun<LoadedInputs, OutputName, RolloutEvent>;

/**
 * Events of a run that has not changed anything yet. A run may undo an earlier one before its first step, which changes
 * things.
 */
const looks: ReadonlySet<RolloutEvent['type']> = new Set(['started', 'preflight', 'planned', 'warning']);

const REPORT_IT = 'Please report it with this log; the route is as the last line above says.';

/** Log, annotations, outputs, summary, report and plot of one rollout. */
export const canaryReport: Reporting<LoadedInputs, OutputName, RolloutEvent, Report> = {
  path: ({ inputs }) => inputs.report,
  begin: (_, path) => readReport(path),
  follow: withEvent,
  speaker({ step, inputs, log, facts, annotate, clock }, report) {
    const tellLog = createLog(log, facts);
    const annotateEvent = createAnnotations(annotate, step === 'main' ? failsJob(inputs) : () => true);
    /** Whether the cluster was only read so far. */
    let unchanged = report.steps.length === 0;
    return {
      tell(event) {
        unchanged &&= looks.has(event.type);
        tellLog(event);
        annotateEvent(event);
      },
      failed: (error) => ({ type: 'failed', at: clock.now(), unchanged, ...failureOf(error, REPORT_IT) }),
    };
  },
  keeps: ({ type }) => type === 'shifted',
  outputs: outputsOf,
  summary: renderSummary,
  beside: writeBeside,
};

/**
 * Whether a verdict fails the job. An undo that was asked for does not, nor a rollout that is held for the next deploy.
 */
export function failsJob({ inputs }: LoadedInputs): Fails {
  return (verdict, passed) =>
    !passed && inputs.mode !== 'undo' && inputs['fail-on'].some((failing) => failing === verdict);
}

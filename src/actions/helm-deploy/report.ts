import type { HelmEvent } from '../../helm/events.ts';
import {
  emptyHelmReport,
  type HelmReport,
  parseHelmReport,
  renderHelmSummary,
  withHelmEvent,
} from '../../report/helm.ts';
import type { ReportedRun, Reporting, Run } from '../../runner/define.ts';
import { failureOf } from '../../runner/failure.ts';
import { readLeft } from '../../runner/results.ts';
import type { HelmInputs, helmOutputs } from './inputs.ts';
import { createHelmLog } from './log.ts';

type Output = keyof typeof helmOutputs;
export type HelmRun = ReportedRun<HelmInputs, Output, HelmEvent>;

/** Log, annotations, outputs, summary and report of a change of a release. */
export const helmReport: Reporting<HelmInputs, Output, HelmEvent, HelmReport> = {
  path: ({ report }) => report,
  begin: async ({ step }, path) =>
    step === 'main' ? emptyHelmReport : readLeft(path, parseHelmReport, emptyHelmReport),
  follow: withHelmEvent,
  speaker({ log, facts, annotate, clock }) {
    const tellLog = createHelmLog(log, facts);
    let written = false;
    return {
      tell(event) {
        if (event.type === 'writing') written = event.begun;
        tellLog(event);
        annotateEvent(event, annotate);
      },
      failed: (error) => ({ type: 'failed', at: clock.now(), ...failureOf(error), unchanged: !written }),
    };
  },
  outputs: outputsOf,
  summary: renderHelmSummary,
};

function annotateEvent(event: HelmEvent, annotate: Run<HelmInputs, Output>['annotate']): void {
  if (event.type === 'note' && event.level === 'warning') annotate.warning(event.text, { title: 'Sluice' });
  if (event.type === 'failed') {
    const title = event.unchanged ? 'Sluice: nothing was changed' : 'Sluice: the release could not be changed';
    annotate.error(`${event.about}: ${event.problem} ${event.next}`, { title });
  }
  if (event.type === 'ended') {
    const bad = event.verdict === 'failed' || event.verdict === 'rolled-back';
    (bad ? annotate.error : annotate.notice)(event.reason, { title: `Sluice: ${event.verdict ?? 'dry run'}` });
  }
}

/** The outputs; empty where the report has no value. */
function outputsOf(report: HelmReport, path: string): Record<Output, string> {
  const { now } = report;
  return {
    verdict: report.verdict ?? '',
    reason: report.reason,
    revision: now === undefined ? '' : String(now.revision),
    'previous-revision': report.previousRevision === undefined ? '' : String(report.previousRevision),
    'chart-version': now?.chartVersion ?? '',
    'app-version': now?.appVersion ?? '',
    'chart-digest': report.chartDigest,
    'manifest-digest': now?.manifestDigest ?? '',
    stable: report.stable,
    canary: report.canary,
    resources: now?.resources?.join('\n') ?? '',
    report: path,
  };
}

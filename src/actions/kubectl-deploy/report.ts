import type { DeployEvent } from '../../apply/events.ts';
import {
  type DeployReport,
  emptyDeployReport,
  hasChanged,
  parseDeployReport,
  renderDeploySummary,
  withDeployEvent,
} from '../../report/deploy.ts';
import type { ReportedRun, Reporting, Run } from '../../runner/define.ts';
import { failureOf } from '../../runner/failure.ts';
import { readLeft } from '../../runner/results.ts';
import type { kubectlOutputs } from './inputs.ts';
import { createDeployLog } from './log.ts';
import type { LoadedManifests } from './manifests.ts';

type Output = keyof typeof kubectlOutputs;
export type KubectlRun = ReportedRun<LoadedManifests, Output, DeployEvent>;

/** Log, annotations, outputs, summary and report of one deployment. */
export const kubectlReport: Reporting<LoadedManifests, Output, DeployEvent, DeployReport> = {
  path: ({ report }) => report,
  begin: (_, path) => readLeft(path, parseDeployReport, emptyDeployReport),
  follow: withDeployEvent,
  speaker({ log, facts, annotate, clock }) {
    const tellLog = createDeployLog(log, facts);
    return {
      tell(event) {
        tellLog(event);
        annotateEvent(event, annotate);
      },
      failed: (error) => ({ type: 'refused', at: clock.now(), ...failureOf(error) }),
    };
  },
  keeps: ({ type }) => type === 'planned' || type === 'waiting' || type === 'stuck',
  outputs: outputsOf,
  summary: renderDeploySummary,
};

function annotateEvent(event: DeployEvent, annotate: Run<LoadedManifests, Output>['annotate']): void {
  if (event.type === 'refused') {
    annotate.error(`${event.about}: ${event.problem} ${event.next}`, { title: 'Sluice: not deployed' });
  }
  if (event.type === 'ended') {
    const isBad = event.verdict === 'undone' || event.verdict === 'failed';
    const title = `Sluice: ${event.verdict}`;
    (isBad ? annotate.error : annotate.notice)(`${event.reason} ${event.next}`.trim(), { title });
  }
}

/** The outputs; empty where the report has no value. */
function outputsOf(report: DeployReport, path: string): Record<Output, string> {
  const { verdict, reason, digest, objects, endedAt } = report;
  const names = (wanted: (object: DeployReport['objects'][number]) => boolean) =>
    objects
      .filter(wanted)
      .map(({ object }) => object)
      .join('\n');
  const isDryRun = verdict === undefined && endedAt === undefined;
  const wouldChange = objects.some(({ action }) => action !== 'unchanged' && action !== 'keep');
  return {
    verdict: verdict ?? '',
    reason,
    changed: String(isDryRun ? wouldChange : hasChanged(report)),
    resources: names(({ action }) => action !== 'prune' && action !== 'keep'),
    pruned: names(({ action, written }) => action === 'prune' && written),
    'manifest-digest': digest,
    report: path,
  };
}

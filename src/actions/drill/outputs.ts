import { changeOf, type DrillReport, feltOf, type ReportedFault } from '../../report/drill/drill-report.ts';
import { besideReport, pagePath } from '../../runner/results.ts';

/** Every output of `actions/drill` with its description; `action.yml` and the documentation follow this list. */
export const drillOutputs = {
  verdict:
    '`resilient`, `not-resilient`, `incomplete` (it could not tell) or `aborted` (it was stopped). Empty after a dry run and after an error before the drill began.',
  resilient: '`true` where the verdict is `resilient`, else `false`.',
  reason: 'Why, in a sentence.',
  felt: 'Whether the faults were felt, the worst of them: `felt`, `not-felt` or `unknown`. Empty where none was injected.',
  score: 'Per cent of the targets that were met, rounded down. Empty where the drill has no score.',
  recovery:
    'Seconds from the injection of a fault to the last moment below the target, of the slowest fault. Empty where a fault was not seen to be recovered from.',
  'recovery-after-removal': 'The same from the removal of the fault.',
  'lowest-success':
    'Per cent of good requests at the worst time, of the worst fault, rounded down. Empty where none was measured.',
  lost: 'Requests that failed from the injections on. Empty where none were measured.',
  change:
    'Against earlier runs: `worse` where a figure is worse beyond their noise, `unknown` where one can not be compared, else `better` or `same`. Empty after a dry run.',
  left: 'What could not be removed from the cluster, one on each line. Else empty.',
  report: 'Path of the JSON report.',
  'report-html':
    'Path of the same report as one HTML page, to be uploaded: timeline, faults, targets. It needs nothing from elsewhere.',
  badge:
    'Path of a JSON file for a badge of shields.io (https://shields.io/badges/endpoint-badge). Empty after a dry run.',
  history: 'Path of the file with the figures of this run and of earlier ones. Empty where none was kept.',
} as const;

export type DrillOutput = keyof typeof drillOutputs;

/** Path of the badge beside the report. */
export function badgePath(path: string): string {
  return besideReport(path, '.badge.json');
}

/** The outputs; empty where the report has no value. */
export function outputsOf(report: DrillReport, path: string): Record<DrillOutput, string> {
  const { verdict, reason, score, left, dryRun, history, faults } = report;
  const injected = faults.filter(({ injectedAt }) => injectedAt !== undefined);
  return {
    verdict: verdict ?? '',
    resilient: String(verdict === 'resilient'),
    reason,
    felt: feltOf(report) ?? '',
    score: score === undefined ? '' : String(Math.floor(score)),
    recovery: slowest(injected, 'fromInjection'),
    'recovery-after-removal': slowest(injected, 'fromRemoval'),
    'lowest-success': lowestSuccess(injected),
    lost: lostRequests(injected),
    change: dryRun ? '' : changeOf(report),
    left: left.join('\n'),
    report: path,
    'report-html': pagePath(path),
    badge: dryRun ? '' : badgePath(path),
    history: history ?? '',
  };
}

/** In seconds; empty unless every fault was recovered from. */
function slowest(faults: readonly ReportedFault[], since: 'fromInjection' | 'fromRemoval'): string {
  const known = faults.flatMap(({ measured }) => (measured?.recovery ? [measured.recovery[since]] : []));
  if (known.length === 0 || known.length < faults.length) return '';
  return String(Math.ceil(Math.max(...known) / 100) / 10);
}

function lowestSuccess(faults: readonly ReportedFault[]): string {
  const known = faults.flatMap(({ measured }) => (measured ? [measured.lowestSuccess] : []));
  // A share such as 0.29 is a little less than that in binary.
  return known.length === 0 ? '' : String(Math.floor(Math.min(...known) * 10_000 + 1e-6) / 100);
}

function lostRequests(faults: readonly ReportedFault[]): string {
  const known = faults.flatMap(({ measured }) => (measured ? [measured.lost] : []));
  return known.length === 0 ? '' : String(known.reduce((sum, lost) => sum + lost, 0));
}

import type { Report } from '../../report/canary-report-schema.ts';
import { toldWeight } from '../../report/sentences.ts';
import { versionsText } from '../../report/subject.ts';
import { pagePath } from '../../runner/results.ts';

/** Every output of `actions/canary` with its description; `action.yml` and the documentation follow this list. */
export const canaryOutputs = {
  verdict:
    'How it ended: `promoted`, `rolled-back`, `frozen` or `held`. Empty after a dry run and when nothing was started.',
  passed:
    '`true` where every step of the plan was passed: after a promotion, and with `mode: shift` when the stable workload can be deployed.',
  reason: 'The measured reason, in a sentence.',
  weight:
    'The canary’s weight in per cent: the highest that it reached, and of a rollout that is frozen or held what the route shows. Empty where somebody else has made the route into something else.',
  versions: 'The version that served and the new one: `1.0.0 → 1.1.0`. Empty where no image changes.',
  'canary-requests': 'Requests that the canary got.',
  'canary-bad': 'Requests that failed at the canary.',
  'stable-requests': 'Requests that the stable version got in the same time.',
  'stable-bad': 'Requests that failed at the stable version in the same time.',
  revision: 'What identifies the new version: its image digest, or a hash of its pod template.',
  digest: 'Image digest that was seen to serve all traffic. Empty unless promoted.',
  'first-release': '`true` where nothing served yet, so that there was nothing to compare with.',
  left: 'Objects that are still of the new version because an undo could not take them back, one on each line. Else empty.',
  'started-at': 'When the run began, as ISO 8601 in UTC.',
  'ended-at': 'When it ended, as ISO 8601 in UTC.',
  report: 'Path of the JSON report. The plot lies beside it, with the ending `.svg`.',
  'report-html':
    'Path of the same report as one HTML page, to be uploaded: charts, steps, checks, gaps. It needs nothing from elsewhere.',
} as const;

export type OutputName = keyof typeof canaryOutputs;

/** The outputs; empty where the report has no value. */
export function outputsOf(report: Report, path: string): Record<OutputName, string> {
  const { outcome, failure, run, found, total } = report;
  const endedAt = (outcome ?? failure)?.endedAt;
  return {
    verdict: outcome?.verdict ?? '',
    passed: outcome?.passed ? 'true' : '',
    reason: outcome?.reason ?? (failure ? `${failure.about}: ${failure.problem}` : ''),
    weight: String((outcome ? toldWeight(outcome) : Math.max(0, ...report.weights.map(({ weight }) => weight))) ?? ''),
    versions: versionsText(report.subject),
    'canary-requests': String(total.canary.requests),
    'canary-bad': String(total.canary.errors),
    'stable-requests': String(total.stable.requests),
    'stable-bad': String(total.stable.errors),
    revision: outcome?.revision ?? found?.revision ?? '',
    digest: outcome?.digest ?? '',
    'first-release': report.first ? 'true' : '',
    left: (outcome?.left ?? []).map(({ object }) => object).join('\n'),
    'started-at': timestamp(run?.startedAt),
    'ended-at': timestamp(endedAt),
    report: path,
    'report-html': pagePath(path),
  };
}

function timestamp(at: number | undefined): string {
  return at === undefined ? '' : new Date(at).toISOString();
}

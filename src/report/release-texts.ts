import type { Verdict, Versions } from '../canary/ports.ts';
import { count, percent } from '../core/wording.ts';
import type { DeploymentState } from '../github/deployments.ts';
import type { Report } from './canary-report-schema.ts';
import { bold, code, link, plain, table } from './markdown.ts';
import { endText, verdictNames } from './sentences.ts';
import { shortCommit, versionsText } from './subject.ts';

/** What is reported about a release. */
export interface Told {
  readonly state: DeploymentState;
  readonly verdict?: Verdict | undefined;
  /** A sentence without the verdict; empty where no reason is known. */
  readonly reason: string;
  readonly report?: Report | undefined;
}

/** Where the release took place, and links to more. */
export interface Release {
  readonly environment: string;
  /** Empty where the environment has only one service. */
  readonly service: string;
  readonly sha: string;
  readonly runUrl: string;
  /** Where the HTML report was uploaded to, if it was. */
  readonly reportUrl?: string | undefined;
  readonly environmentUrl: string;
  /** The versions of a release whose report is not available. */
  readonly versions?: Versions | undefined;
}

const marks: Readonly<Record<DeploymentState, string>> = {
  queued: '🕓',
  in_progress: '⏳',
  success: '✅',
  failure: '⏪',
  error: '⛔',
  inactive: '💤',
};
const names: Readonly<Record<DeploymentState, string>> = {
  queued: 'Queued',
  in_progress: 'In progress',
  success: 'Released',
  failure: 'Failed',
  error: 'Stopped',
  inactive: 'Inactive',
};

/** One line of plain text for deployments and commit statuses. */
export function describeTold({ verdict, reason, state, report }: Told, release: Pick<Release, 'versions'>): string {
  const ended = verdict && (report?.outcome ? endText(report.outcome) : verdictNames[verdict]);
  const versions = versionsText(subjectOf(release, report));
  const title = `${ended ?? names[state]}${versions === '' ? '' : ` (${versions})`}`;
  return reason === '' ? title : `${title}: ${reason}`;
}

/** The same as Markdown with the figures, for a comment or an issue. */
export function renderTold(told: Told, release: Release): string {
  const { verdict, reason, state, report } = told;
  const ended = verdict && (report?.outcome ? endText(report.outcome) : verdictNames[verdict]);
  const title = ended ?? names[state];
  const parts = [
    `### ${marks[state]} ${title}: ${where(release, report)}`,
    bold(reason),
    report ? figures(report) : '',
    links(release, report),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** The title of an issue about a release that was rolled back. */
export function issueTitle(release: Release, report?: Report): string {
  const { environment, service, sha } = release;
  const { name, to } = subjectOf(release, report);
  const released = [service || name || 'the release', to, `(commit ${shortCommit(sha)})`].filter((part) => part);
  return `Rolled back: ${released.join(' ')} to ${environment}`;
}

/** What was released and where, as one heading. */
function where(release: Release, report: Report | undefined): string {
  const { environment, service, sha, environmentUrl } = release;
  const linked = link(plain(environment), environmentUrl);
  const subject = subjectOf(release, report);
  const released = [service || subject.name, versionsText(subject)].filter((part) => part);
  const commit = `(commit ${code(shortCommit(sha))})`;
  return released.length === 0 ? `${linked} ${commit}` : `${plain(released.join(' '))} ${commit} to ${linked}`;
}

/** The workload and its versions from the report, or else the versions from the inputs. */
function subjectOf({ versions }: Pick<Release, 'versions'>, report: Report | undefined): Subject {
  return { ...(versions && { from: versions.stable, to: versions.canary }), ...report?.subject };
}

type Subject = Partial<NonNullable<Report['subject']>>;

function figures({ total, weights }: Report): string {
  const arms = Object.entries(total).filter(([, { requests }]) => requests > 0);
  const path = weights.map(({ weight }) => `${weight} %`).join(' → ');
  const rows = arms.map(([arm, { requests, errors }]) => [
    arm,
    count(requests),
    `${count(errors)} (${percent(errors / requests)})`,
  ]);
  return [
    path === '' ? '' : `Weight of the new version: ${path}`,
    rows.length === 0 ? '' : table(['', 'Requests', 'Failed'], rows),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function links({ runUrl, reportUrl }: Release, report: Report | undefined): string {
  const revision = report?.outcome?.revision ?? report?.found?.revision;
  const facts = [
    ...(reportUrl === undefined ? [] : [link('HTML report', reportUrl)]),
    link('run with the whole report', runUrl),
    ...(revision === undefined ? [] : [`revision ${code(revision)}`]),
  ];
  return facts.length === 0 ? '' : `<sub>${facts.join(' · ')}</sub>`;
}

import type { Verdict } from '../canary/ports.ts';
import { count, percent } from '../core/wording.ts';
import type { DeploymentState } from '../github/deployments.ts';
import type { Report } from './canary-report-schema.ts';
import { code, plain, table } from './markdown.ts';
import { endText, verdictNames } from './sentences.ts';
import { versionsText } from './subject.ts';

/** What there is to be told of a release. */
export interface Told {
  readonly state: DeploymentState;
  readonly verdict?: Verdict | undefined;
  /** In a sentence, without the verdict. Empty where nothing is known. */
  readonly reason: string;
  readonly report?: Report | undefined;
}

/** Where it was, and where more can be read. */
export interface Release {
  readonly environment: string;
  /** Empty where the environment has one. */
  readonly service: string;
  readonly sha: string;
  readonly runUrl: string;
  readonly environmentUrl: string;
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

/** One line of plain text, for deployments and commit statuses. */
export function describeTold({ verdict, reason, state, report }: Told): string {
  const ended = verdict && (report?.outcome ? endText(report.outcome) : verdictNames[verdict]);
  const versions = versionsText(report?.subject);
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
    reason === '' ? '' : `**${plain(reason)}**`,
    report ? figures(report) : '',
    links(release, report),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** The title of an issue about a release that was rolled back. */
export function issueTitle({ environment, service }: Release, report?: Report): string {
  const version = report?.subject?.to === undefined ? '' : ` ${report.subject.to}`;
  return `Rolled back: ${service === '' ? (report?.subject?.name ?? 'the release') : service}${version} to ${environment}`;
}

function where({ environment, service, environmentUrl }: Release, report: Report | undefined): string {
  const name = plain(environment);
  const linked = /^https?:\/\/[^\s<>()[\]]+$/.test(environmentUrl) ? `[${name}](${environmentUrl})` : name;
  const released = [service || report?.subject?.name, versionsText(report?.subject)].filter((part) => part);
  return released.length === 0 ? linked : `${plain(released.join(' '))} to ${linked}`;
}

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

function links({ runUrl, sha }: Release, report: Report | undefined): string {
  const revision = report?.outcome?.revision ?? report?.found?.revision;
  const facts = [
    ...(/^https?:\/\/[^\s<>()[\]]+$/.test(runUrl) ? [`[run with the whole report](${runUrl})`] : []),
    `commit ${code(sha.slice(0, 7))}`,
    ...(revision === undefined ? [] : [`revision ${code(revision)}`]),
  ];
  return `<sub>${facts.join(' · ')}</sub>`;
}

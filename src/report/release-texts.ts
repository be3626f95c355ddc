import type { Verdict } from '../canary/ports.ts';
import type { DeploymentState } from '../github/deployments.ts';
import { count, percent } from '../judge/wording.ts';
import { code, plain, table } from './markdown.ts';
import type { Report } from './report.ts';
import { verdictNames, weightOfVerdict } from './sentences.ts';

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
  const reached = verdict && report?.outcome ? ` at ${weightOfVerdict(report.outcome)} %` : '';
  const title = verdict ? `${verdictNames[verdict]}${reached}` : names[state];
  return reason === '' ? title : `${title}: ${reason}`;
}

/** The same as Markdown with the figures, for a comment or an issue. */
export function renderTold(told: Told, release: Release): string {
  const { verdict, reason, state, report } = told;
  const title = verdict ? verdictNames[verdict] : names[state];
  const reached = verdict && report?.outcome ? ` at ${weightOfVerdict(report.outcome)} %` : '';
  const parts = [
    `### ${marks[state]} ${title}${reached}: ${where(release)}`,
    reason === '' ? '' : `**${plain(reason)}**`,
    report ? figures(report) : '',
    links(release, report),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** The title of an issue about a release that was rolled back. */
export function issueTitle({ environment, service }: Release): string {
  return `Rolled back: ${service === '' ? 'the release' : service} to ${environment}`;
}

function where({ environment, service, environmentUrl }: Release): string {
  const name = plain(environment);
  const linked = /^https?:\/\/[^\s<>()[\]]+$/.test(environmentUrl) ? `[${name}](${environmentUrl})` : name;
  return service === '' ? linked : `${plain(service)} to ${linked}`;
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

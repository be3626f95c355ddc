import { excerpt } from '../../core/text.ts';
import { hiddenMarker } from '../../github/comments.ts';
import type { IssueText } from '../../github/issues.ts';
import { artifactsLink, bold, GITHUB, plain, withRuns } from '../markdown.ts';
import type { DrillReport } from './drill-report.ts';
import { advice, faultTable, nextSteps, targetTable } from './drill-summary.ts';
import { verdictNames } from './drill-words.ts';

/** What `keepIssue` takes, without the labels and assignees of the inputs. */
export interface DrillIssue extends Pick<IssueText, 'title' | 'text'> {
  /** One issue for each drill of a service. */
  readonly marker: string;
}

/** Characters of the title. */
const LONGEST = 200;

/**
 * The issue about a failing drill. Undefined where none is due: the service is resilient, or the drill was stopped by somebody.
 */
export function drillIssue(report: DrillReport, server = GITHUB): DrillIssue | undefined {
  const { service, name, verdict, reason, by } = report;
  const hasStopped = verdict === 'aborted' && report.faults.some(({ stopped }) => stopped);
  // A drill that nobody can tell from is as loud as one that failed: else it breaks nothing for months.
  const isDue = verdict === 'not-resilient' || verdict === 'incomplete' || hasStopped || report.left.length > 0;
  if (!isDue) return undefined;
  const words = verdict === undefined ? 'no answer' : verdictNames[verdict];
  const parts = [
    `### Drill: ${words}: ${plain(service)}`,
    bold(reason),
    nextSteps(report),
    ...report.left.map((text) => `- ⛔ left in the cluster: ${plain(text)}`),
    faultTable(report),
    targetTable(report),
    advice(report),
    `<sub>${[`by ${withRuns(by, server)}`, ...artifactsLink(by, server)].join(' · ')}</sub>`,
  ];
  return {
    marker: hiddenMarker({ drill: name, service }),
    title: excerpt(`Drill of ${service}: ${words}${name === service ? '' : ` (${name})`}`, LONGEST),
    text: `${parts.filter((part) => part !== '').join('\n\n')}\n`,
  };
}

import { excerpt } from '../../core/text.ts';
import { createGitHub } from '../../github/client.ts';
import { keepIssue } from '../../github/issues.ts';
import { drillIssue } from '../../report/drill/drill-issue.ts';
import type { DrillReport } from '../../report/drill/drill-report.ts';
import type { Run } from '../../runner/define.ts';
import { oneLine } from '../../runner/log-text.ts';

/** Milliseconds for all requests together. */
const DEADLINE = 60_000;
const LONGEST_TITLE = 200;

type IssueRun = Pick<
  Run<{ readonly token?: string | undefined }, string>,
  'inputs' | 'env' | 'facts' | 'redact' | 'log' | 'annotate'
>;

/** Keeps one issue while a drill fails. What GitHub refuses is warned of: the drill went as it went. */
export async function keepDrillIssue(report: DrillReport, run: IssueRun): Promise<void> {
  const { inputs, env, facts, redact, log, annotate } = run;
  const issue = drillIssue(report, facts.server);
  const [owner = '', repo = ''] = (env.GITHUB_REPOSITORY ?? '').split('/');
  if (!issue || inputs.token === undefined || repo === '') return;
  const apiUrl = env.GITHUB_API_URL ?? 'https://api.github.com';
  try {
    const github = createGitHub({ token: inputs.token, apiUrl, owner, repo, signal: AbortSignal.timeout(DEADLINE) });
    const runMarker = `<!-- sluice run ${env.GITHUB_RUN_ID ?? ''}-${env.GITHUB_RUN_ATTEMPT ?? '1'} -->`;
    const text = {
      about: 'the drill',
      title: excerpt(redact(issue.title), LONGEST_TITLE),
      text: redact(issue.text),
      labels: ['sluice-drill'],
      assignees: [],
    };
    log.info(oneLine(`Issue ${await keepIssue(github, issue.marker, runMarker, text)}`));
  } catch (error) {
    annotate.warning(oneLine(error instanceof Error ? error.message : String(error)), {
      title: 'Sluice drill: no issue',
    });
  }
}

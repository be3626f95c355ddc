import { formatDuration } from '../../core/duration.ts';
import { nextSteps } from '../advice.ts';
import type { Report } from '../canary-report-schema.ts';
import { runAddressIn } from '../markdown.ts';
import { clockTime, endText, firstText } from '../sentences.ts';
import { shortCommit, versionsText } from '../subject.ts';
import { checkCharts, frameOf, ratesChart } from './canary-charts.ts';
import { checksTable, forecastPart, podsSection, steeringSection, stepsTable, writesSection } from './canary-parts.ts';
import { figure } from './figure.ts';
import { missingOf } from './gaps.ts';
import { type Content, details, document, type Html, html, section, seen } from './html.ts';
import { gapsTable, headline, link, nextSection, period, type Tone, timeline } from './parts.ts';

interface Ending {
  readonly sign: string;
  readonly title: string;
  readonly tone: Tone;
  readonly reason: string;
}

/**
 * The JSON report of a rollout as one HTML page that needs nothing from elsewhere. It shows what was measured, and nothing
 * else: where data were missing, nothing is drawn.
 *
 * @param server the GitHub server, whose runs and commits are linked: `https://github.com`
 */
export function canaryPage(report: Report, server: string): string {
  const ending = endingOf(report);
  const about = seen(
    [report.subject?.name ?? '', versionsText(report.subject)].filter((part) => part !== '').join(' '),
  );
  return document({
    title: `${ending.title}${about === '' ? '' : `: ${about}`} · Sluice canary`,
    header: html`<p class="quiet">Sluice canary report</p>`,
    main: [
      headline({
        ...ending,
        subject: about === '' ? undefined : html`<p class="subject">${about}</p>`,
        facts: facts(report, server),
      }),
      nextSection(nextSteps(report)),
      measured(report),
      section('Steps', report.steps.length === 0 ? undefined : stepsTable(report)),
      section('Checks', checksTable(report)),
      section('Gaps in the data', gapsOf(report)),
      podsSection(report),
      writesSection(report),
      steeringSection(report),
      timeline(report.notes),
      forecastPart(report),
    ],
    footer: footer(report),
  });
}

function endingOf(report: Report): Ending {
  const { outcome, failure, first, run } = report;
  if (outcome) {
    const { verdict, reason } = outcome;
    const signs = { promoted: '✓', 'rolled-back': '↩', frozen: '■', held: '‖' } as const;
    const tones = { promoted: 'good', 'rolled-back': 'bad', frozen: 'wait', held: 'wait' } as const;
    return { sign: signs[verdict], title: endText(outcome), tone: tones[verdict], reason };
  }
  if (failure) {
    const title = failure.unchanged ? 'Stopped, nothing was changed' : 'Stopped, no verdict';
    return { sign: '✗', title, tone: 'bad', reason: `${failure.about}: ${failure.problem}` };
  }
  if (first) return { sign: '✓', title: 'First release', tone: 'wait', reason: `${firstText(first)}.` };
  if (run?.dryRun) return { sign: '✎', title: 'Dry run', tone: 'wait', reason: 'Nothing was changed.' };
  return { sign: '…', title: 'Not over yet', tone: 'wait', reason: 'This page was made before the rollout ended.' };
}

/** The check that ended the rollout, if one did. */
function decidedBy({ breach }: Report): string | undefined {
  return breach?.opinion.check;
}

function facts(report: Report, server: string): (readonly [string, Content] | undefined)[] {
  const { run, outcome, failure, breach, subject, found } = report;
  const endedAt = (outcome ?? failure)?.endedAt;
  const address = run && runAddressIn(run.by, server);
  const revision = outcome?.revision ?? found?.revision;
  return [
    run && ['When', period(run.startedAt, endedAt)],
    breach && ['Breach', `${clockTime(breach.at)} UTC, at ${breach.weight} % of the requests`],
    breach && ['Check that decided', html`<code>${breach.opinion.check}</code>`],
    outcome?.verdict === 'promoted'
      ? undefined
      : outcome && [
          'Weight now',
          outcome.weight === undefined
            ? 'not known: the route was changed by somebody else'
            : `${outcome.weight} % for the canary`,
        ],
    subject?.from === undefined
      ? undefined
      : ['Versions', html`<code>${subject.from}</code> served, <code>${subject.to ?? ''}</code> is new`],
    run?.commit === undefined ? undefined : ['Commit', commit(run.commit, address)],
    revision === undefined ? undefined : ['Revision', html`<code>${revision}</code>`],
    outcome?.digest === undefined ? undefined : ['Serves now', html`<code>${outcome.digest}</code>`],
    run && [
      'By',
      address === undefined
        ? run.by
        : html`${run.by.slice(0, run.by.length - address.length).replace(/, $/, '')}, ${link('the run', address)}`,
    ],
  ];
}

/** The commit's page lies beside that of the run. */
function commit(sha: string, run: string | undefined): Content {
  const name = html`<code>${shortCommit(sha)}</code>`;
  if (run === undefined || !/^[0-9a-f]{40}$/.test(sha)) return name;
  return html`<a href="${run.replace(/\/actions\/runs\/\d+$/, '')}/commit/${sha}" rel="noreferrer">${name}</a>`;
}

/** The charts: the rates of both versions, then what the deciding check saw, then all other checks. */
function measured(report: Report): Content {
  const frame = frameOf(report);
  if (!frame) {
    return report.run?.dryRun || report.steps.length === 0
      ? undefined
      : section('What was measured', html`<p>Nothing was measured, and no request was moved.</p>`);
  }
  const rates = report.run?.uncounted
    ? html`<p>Requests were not counted (<code>meter: none</code>): only the health of the pods was judged.</p>`
    : hasNoRequests(report)
      ? html`<p>No requests were counted: there was nothing to compare.</p>`
      : undefined;
  const charts = report.checks.map((history, index) => ({
    check: history.check,
    figures: checkCharts(history, { id: `check-${index}`, frame }).map(figure),
  }));
  const decided = decidedBy(report);
  const deciding = charts.find(({ check }) => check === decided);
  const others = charts.filter(({ check, figures }) => check !== decided && figures.some((drawn) => drawn));
  return [
    section('What was measured', [rates, figure(ratesChart(report, frame))]),
    breachSection(report, deciding?.figures ?? []),
    others.length === 0
      ? undefined
      : section(
          decided === undefined ? 'The checks over time' : 'The other checks over time',
          others.map(({ check, figures }) => details(check, figures)),
        ),
  ];
}

function hasNoRequests({ points }: Report): boolean {
  return points.every(({ stable, canary }) => stable.requests + canary.requests === 0);
}

function breachSection({ breach }: Report, figures: readonly (Html | undefined)[]): Content {
  if (!breach) return undefined;
  const { check, sentence, onBreach } = breach.opinion;
  return section('The check that decided', [
    html`<p><code>${check}</code>: ${sentence}</p>
<p class="quiet">On a breach of this check: ${onBreach}.</p>`,
    ...figures,
  ]);
}

function gapsOf(report: Report): Content {
  const { gaps, longest } = missingOf(report);
  if (gaps.length > 0) return gapsTable('Times without data (UTC)', gaps);
  if (report.points.length < 2) return undefined;
  return html`<p>None: there were never more than ${formatDuration(Math.ceil(longest / 1_000) * 1_000)} between two measurements.</p>`;
}

function footer({ run, found }: Report): Content {
  return [
    run &&
      html`<p>Plan <code>${run.plan}</code>, rollout <code>${run.id}</code>. Requests from <code>${run.source}</code>.</p>`,
    found && html`<p>${found.route}. ${found.metrics}</p>`,
    html`<p>Made from the JSON report of the same name. All times are in UTC.</p>`,
  ];
}

import { count } from '../../core/wording.ts';
import { adviceStep } from '../advice.ts';
import { changeOf, type DrillReport, feltOf, type ReportedFault } from '../drill/drill-report.ts';
import { feltNames, verdictNames } from '../drill/drill-words.ts';
import { runAddressIn } from '../markdown.ts';
import { clockTime } from '../sentences.ts';
import { type DrillMark, drillFrame, latencyChart, marksOf, successChart } from './drill-charts.ts';
import {
  comparisonTable,
  faultsTable,
  hitsPart,
  latencyTable,
  reasonsTable,
  steadyPart,
  targetsTable,
} from './drill-parts.ts';
import { figure } from './figure.ts';
import { type Content, document, html, section, table, timeOf } from './html.ts';
import { gapsTable, headline, link, nextSection, period, type Tone, timeline } from './parts.ts';

/**
 * The JSON report of a drill as one HTML page that needs nothing from elsewhere. It shows what was measured, and nothing else: where
 * nothing is known of the requests, nothing is drawn.
 *
 * @param server the GitHub server, whose runs are linked: `https://github.com`
 */
export function drillPage(report: DrillReport, server: string): string {
  const { service, reason, next, left, faults, advice, steady, requests, notes, dryRun } = report;
  const ending = endingOf(report);
  return document({
    title: `${ending.title}: ${service} · Sluice drill`,
    header: html`<p class="quiet">Sluice drill report</p>`,
    main: [
      headline({ ...ending, subject: html`<p class="subject">${service}</p>`, reason, facts: facts(report, server) }),
      nextSection(next === undefined || next.trim() === '' ? [] : [adviceStep(next)]),
      section('Left in the cluster', left.length === 0 ? undefined : list(left)),
      dryRun ? undefined : section('What users felt', [pictures(report), latencyTable(faults)]),
      section('Faults', faults.length === 0 ? html`<p>No fault was planned.</p>` : faultsTable(report)),
      dryRun ? undefined : section('Targets', targetsTable(report)),
      section('What to mend', advice.length === 0 ? undefined : list(advice)),
      dryRun ? undefined : section('Against earlier runs', comparisonTable(report)),
      section(dryRun ? 'What would be hit' : 'What was hit', hitsPart(faults)),
      dryRun ? undefined : section('Steady state', steadyPart(steady)),
      section('What users were measured by', asked(report)),
      section('Times of which nothing is known', gapsTable('Times without requests (UTC)', requests.gaps)),
      timeline(notes),
    ],
    footer: html`<p>Made from the JSON report of the same name. All times are in UTC.</p>`,
  });
}

function endingOf({ verdict, dryRun, endedAt }: DrillReport): { sign: string; title: string; tone: Tone } {
  const signs = { resilient: '✓', 'not-resilient': '✗', incomplete: '?', aborted: '■' } as const;
  const tones = { resilient: 'good', 'not-resilient': 'bad', incomplete: 'wait', aborted: 'wait' } as const;
  if (verdict) return { sign: signs[verdict], title: `Drill: ${verdictNames[verdict]}`, tone: tones[verdict] };
  if (dryRun) return { sign: '✎', title: 'Drill: dry run', tone: 'wait' };
  if (endedAt === undefined) return { sign: '…', title: 'Drill: not over yet', tone: 'wait' };
  return { sign: '✗', title: 'Drill: no answer', tone: 'bad' };
}

function facts(report: DrillReport, server: string): (readonly [string, Content] | undefined)[] {
  const { startedAt, endedAt, score, by, name, service, faults, dryRun, comparison } = report;
  const address = runAddressIn(by, server);
  const felt = feltOf(report);
  return [
    ['When', period(startedAt, endedAt)],
    name === service ? undefined : ['Drill', html`<code>${name}</code>`],
    dryRun ? undefined : ['Score', score === undefined ? 'none' : `${Math.floor(score)} % of the targets`],
    felt && ['Felt', feltNames[felt]],
    dryRun ? undefined : ['Lost', lost(faults)],
    comparison && comparison.earlier > 0 ? ['Change', changeNames[changeOf(report)]] : undefined,
    ['By', address === undefined ? by : [by.slice(0, -address.length), link('the run', address)]],
  ];
}

const changeNames = { worse: 'worse', better: 'better', same: 'the same', unknown: 'not known' } as const;

function lost(faults: readonly ReportedFault[]): string {
  const measured = faults.flatMap((fault) => (fault.measured ? [fault.measured] : []));
  if (measured.length === 0) return 'not measured';
  const sum = (of: (one: (typeof measured)[number]) => number) => measured.reduce((all, one) => all + of(one), 0);
  return `${count(sum((one) => one.lost))} of ${count(sum(({ requests }) => requests))} requests`;
}

/** The pictures over one time, and what is marked in them. */
function pictures(report: DrillReport): Content {
  const marks = marksOf(report);
  const frame = drillFrame(report, marks);
  if (!frame) return [html`<p>Nothing is drawn, as no request was counted.</p>`, marksTable(marks)];
  const latency = latencyChart(report, frame);
  return [
    figure(successChart(report, frame)),
    latency ? figure(latency) : html`<p>How long answers took was not measured.</p>`,
    marksTable(marks),
  ];
}

function marksTable(marks: readonly DrillMark[]): Content {
  if (marks.length === 0) return undefined;
  const rows = marks.map(({ at, number, what, text }) => [
    `${number}`,
    timeOf(at, clockTime(at)),
    what,
    html`<span class="long">${text}</span>`,
  ]);
  return table('What is marked (times in UTC)', ['', 'Time', 'What', ''], rows);
}

function list(texts: readonly string[]): Content {
  return html`<ul>${texts.map((text) => html`<li>${text}</li>\n`)}</ul>`;
}

function asked({ requests: { asked: question, evidence }, faults }: DrillReport): Content {
  return [
    question === undefined ? html`<p>Nothing was asked.</p>` : html`<p><code>${question}</code></p>`,
    evidence === undefined ? undefined : html`<p class="quiet">${evidence}</p>`,
    reasonsTable(faults),
  ];
}

import { adviceStep, type NextStep } from '../advice.ts';
import type { GateReport, ReportedCheck } from '../gate-report.ts';
import { runAddressIn } from '../markdown.ts';
import { span } from '../sentences.ts';
import type { Chart, Frame } from './chart.ts';
import { progressChart, RANGE, rateChart, rateLine, valueChart, valueLine } from './check-charts.ts';
import { figure } from './figure.ts';
import { type Content, document, type Html, html, section, table } from './html.ts';
import { gapsTable, headline, link, nextSection, period, stateOf, type Tone, timeline } from './parts.ts';

const states = {
  passed: stateOf('✓', 'passed', 'good'),
  warning: stateOf('⚠', 'passed with a warning', 'wait'),
  failed: stateOf('✗', 'failed', 'bad'),
  undecided: stateOf('?', 'undecided', 'wait'),
} as const;

const lacking = {
  data: 'Data are missing: see that the source answers, and run it again.',
  traffic: 'There was too little traffic for an answer: watch for longer, or let "must-detect" be a larger rate.',
  certainty: 'The data leave it open: watch for longer.',
} as const;

/** Failed checks come first, as they are what is asked for. */
const order = ['failed', 'undecided', 'warning', 'passed'] as const;

/**
 * The JSON report of a gate as one HTML page that needs nothing from elsewhere.
 *
 * @param server the GitHub server, whose runs are linked: `https://github.com`
 */
export function gatePage(report: GateReport, server: string): string {
  const { checks, warnings } = report;
  const sorted = order.flatMap((state) => checks.filter((check) => check.state === state));
  const ending = endingOf(report);
  const frame = frameOf(report);
  return document({
    title: `${ending.title} · Sluice gate`,
    header: html`<p class="quiet">Sluice gate report</p>`,
    main: [
      headline({ ...ending, subject: undefined, reason: report.reason, facts: facts(report, sorted, server) }),
      nextSection(nextOf(report)),
      section('Checks', sorted.length === 0 ? undefined : checksTable(sorted)),
      ...sorted.map((check, index) => checkSection(check, `check-${index}`, frame)),
      timeline(warnings.map(({ at, text }) => ({ at, level: 'warning', text }))),
    ],
    footer: html`<p>Made from the JSON report of the same name. All times are in UTC.</p>`,
  });
}

/** What can be done about another answer than that it may go on. */
function nextOf({ next, lacks, verdict }: GateReport): NextStep[] {
  if (next !== undefined) return [adviceStep(next)];
  if (lacks) return [{ pieces: [lacking[lacks]], copy: '' }];
  if (verdict !== 'failed') return [];
  return [{ pieces: ['Do not go on. What the failed checks asked, and what they were answered, is below.'], copy: '' }];
}

function endingOf({ verdict, warning }: GateReport): { sign: string; title: string; tone: Tone } {
  if (verdict === undefined) return { sign: '✗', title: 'Gate: no answer', tone: 'bad' };
  if (verdict === 'passed')
    return warning
      ? { sign: '⚠', title: 'Gate: passed, with a warning', tone: 'wait' }
      : { sign: '✓', title: 'Gate: passed', tone: 'good' };
  return verdict === 'failed'
    ? { sign: '✗', title: 'Gate: failed', tone: 'bad' }
    : { sign: '?', title: 'Gate: undecided', tone: 'wait' };
}

function facts(report: GateReport, sorted: readonly ReportedCheck[], server: string) {
  const { startedAt, endedAt, watch, score, by, verdict } = report;
  const decided = sorted.filter(({ state }) => state === verdict && verdict !== 'passed');
  const address = runAddressIn(by, server);
  const round = (share: number) => `${Math.round(share * 10) / 10} %`;
  const fact = (name: string, value: Content) => [name, value] as const;
  return [
    fact('When', period(startedAt, endedAt)),
    fact('Asked for', watch === 0 ? 'one look' : `a watch of ${span(watch)}`),
    decided.length === 0
      ? undefined
      : fact(decided.length === 1 ? 'Check that decided' : 'Checks that decided', names(decided)),
    score &&
      fact('Score', score.least === score.most ? round(score.least) : `${round(score.least)} to ${round(score.most)}`),
    fact('By', address === undefined ? by : [by.slice(0, -address.length), link('the run', address)]),
  ];
}

function names(checks: readonly ReportedCheck[]): Content {
  return checks.map(({ name }, index) => html`${index === 0 ? '' : ', '}<code>${name}</code>`);
}

function checksTable(checks: readonly ReportedCheck[]): Html {
  const rows = checks.map(({ name, state, sentence }) => [
    html`<code>${name}</code>`,
    states[state],
    html`<span class="long">${sentence}</span>`,
  ]);
  return table('How each check stands', ['Check', 'State', 'What was measured'], rows);
}

/** The time of all charts; undefined where there was one look only. */
function frameOf({ checks, startedAt, endedAt }: GateReport): Frame | undefined {
  const times = checks.flatMap(({ looks, gaps }) => [
    ...looks.map(({ at }) => at),
    ...gaps.flatMap(({ from, to }) => [from, to]),
  ]);
  const from = times.reduce((earliest, at) => Math.min(earliest, at), startedAt);
  const to = times.reduce((latest, at) => Math.max(latest, at), endedAt ?? startedAt);
  return to - from < 1_000 ? undefined : { from, to, gaps: [], marks: [] };
}

function checkSection(check: ReportedCheck, id: string, frame: Frame | undefined): Content {
  const { name, kind, state, sentence, asked, evidence, looks, gaps } = check;
  const charts = frame && looks.length > 1 ? chartsOf(check, { id, frame: { ...frame, gaps } }) : [];
  return section(`${name}: ${state === 'warning' ? 'warning' : state}`, [
    html`<p>${sentence}</p>
<p>Asked (${kind}): <code>${asked}</code></p>
${evidence === undefined ? undefined : html`<p class="quiet">${evidence}</p>`}
`,
    ...charts.map(figure),
    gapsTable(`Times without data for ${name} (UTC)`, gaps),
  ]);
}

/** What a check measured, and how close it came to a failure. */
function chartsOf(
  { name, looks }: ReportedCheck,
  { id, frame }: { readonly id: string; readonly frame: Frame },
): Chart[] {
  const seen = { looks, frame };
  const limits = [
    ...valueLine(seen, 'limit', 'limit', 'limit'),
    ...valueLine(seen, 'upper limit', 'limit', 'breachAbove'),
    ...valueLine(seen, 'lower limit', 'limit', 'breachBelow'),
  ];
  const place = {
    id: `${id}-progress`,
    frame,
    title: `${name}: how close to a failure`,
    caption: '100 % is a failure.',
  };
  const progress = progressChart(place, seen, { limit: 'failure', line: 'measured' });
  const rates = rateLine(seen, 'measured', 'canary', ['total', 'bad']);
  if (rates.length > 0) {
    const reference = rateLine(seen, 'reference', 'stable', ['referenceTotal', 'referenceBad']);
    const caption = `Counted from the beginning of the watch on. ${RANGE}`;
    const share = { id: `${id}-rate`, frame, title: `${name}: rate so far`, caption };
    return [rateChart(share, [...reference, ...limits, ...rates]), progress];
  }
  const measured = ['value', 'seen', 'bad'].flatMap((figureName) => valueLine(seen, figureName, 'canary', figureName));
  if (measured.length === 0) return [progress];
  const reference = valueLine(seen, 'reference', 'stable', 'reference');
  const value = { id: `${id}-value`, frame, title: `${name}: measured value`, caption: 'As the source answered.' };
  return [valueChart(value, [...reference, ...limits, ...measured]), progress];
}

import type { Tally } from '../canary/events.ts';
import type { Verdict } from '../canary/ports.ts';
import { count, percent } from '../judge/wording.ts';
import { nextSteps } from './advice.ts';
import { block, code, details, joined, plain, table } from './markdown.ts';
import { mermaidCharts } from './mermaid.ts';
import type { Report } from './report.ts';
import { clockTime, requests, span, verdictNames, weightOfVerdict } from './sentences.ts';

const marks: Readonly<Record<Verdict, string>> = { promoted: '✅', 'rolled-back': '⏪', frozen: '🧊', held: '✋' };

/** GitHub takes 1 MiB a step; other steps' summaries are counted apart. */
const LIMIT = 1_000_000;
const MOST_NOTES = 60;

/**
 * The job summary as Markdown: verdict and measured reason first, what to do next, then what was measured. Below GitHub's
 * limit of 1 MiB, whatever happened.
 */
export function renderSummary(report: Report): string {
  const parts = [
    headline(report),
    next(report),
    writes(report),
    mermaidCharts(report) ?? '',
    steps(report),
    checks(report),
    steering(report),
    timeline(report),
    forecast(report),
    footer(report),
  ];
  return joined(parts, LIMIT);
}

function headline({ outcome, failure, run, found, writes: planned }: Report): string {
  const subject = found ? ` ${plain(found.canary)}` : '';
  if (outcome) {
    const { verdict, reason } = outcome;
    return `## ${marks[verdict]} ${verdictNames[verdict]} at ${weightOfVerdict(outcome)} %:${subject}\n\n**${plain(reason)}**`;
  }
  if (failure) {
    const changed = failure.unchanged ? 'nothing was changed' : 'no verdict';
    return `## ⛔ Stopped, ${changed}:${subject}\n\n**${plain(`${failure.about}: ${failure.problem}`)}**`;
  }
  if (run?.dryRun) {
    const number = `${count(planned.length)} ${planned.length === 1 ? 'write' : 'writes'}`;
    return `## 📝 Dry run:${subject}\n\n**${number} would be made; nothing was changed.**`;
  }
  return `## ⏳ Running:${subject}`;
}

function next(report: Report): string {
  const lines = nextSteps(report);
  return lines.length === 0 ? '' : `### What to do next\n\n${lines.map((line) => `- ${line}`).join('\n')}`;
}

function writes({ writes: planned }: Report): string {
  if (planned.length === 0) return '';
  const diffs = planned.map(({ action, object, diff }) => details(`${action} ${object}`, block('diff', diff)));
  return `### What would be written\n\n${diffs.join('\n')}`;
}

function steps(report: Report): string {
  if (report.steps.length === 0) return '';
  const states = { running: '⏳', passed: '✅ passed', breach: '⛔ breach', stopped: '⏹️ stopped' };
  const rows = report.steps.map(({ plan, observedFrom, endedAt, canary, stable, state }) => [
    code(plan),
    observedFrom === undefined || endedAt === undefined ? '' : span(endedAt - observedFrom),
    ...armCells(canary),
    ...armCells(stable),
    states[state],
  ]);
  const total = ['all', '', ...armCells(report.total.canary), ...armCells(report.total.stable), ''];
  const head = ['Step', 'Observed', 'Canary', 'failed', 'Stable', 'failed', ''];
  return `### Steps\n\n${table(head, [...rows, total])}`;
}

/** Requests, and how many of them failed. */
function armCells({ requests: number, errors }: Tally): string[] {
  return [requests(number), number === 0 ? '' : `${count(errors)} (${percent(errors / number)})`];
}

function checks({ opinions, breach }: Report): string {
  // The opinion that decided is the one to show, not what was measured after it.
  const said = opinions.map((opinion) => (opinion.check === breach?.opinion.check ? breach.opinion : opinion));
  if (said.length === 0) return '';
  const states = { breach: '⛔ breach', healthy: '✅ healthy', unknown: 'no breach' };
  const rows = said.map(({ check, state, onBreach, sentence, missing }) => [
    code(check),
    missing === undefined ? states[state] : '❔ no data',
    plain(missing ?? sentence),
    onBreach,
  ]);
  return `### Checks\n\n${table(['Check', 'State', 'Measured', 'On breach'], rows)}`;
}

/** While the rollout is not over, anyone with the right can steer it. */
function steering({ run, outcome, failure }: Report): string {
  if (!run || run.dryRun || outcome || failure) return '';
  const { abort, approve, freeze } = run.commands;
  return `### Steer it\n\n${block('sh', [`# back to stable`, abort, `# let a step that holds go on`, approve, `# stop here`, freeze].join('\n'))}`;
}

function timeline({ notes }: Report): string {
  if (notes.length === 0) return '';
  const lines = notes.map(({ at, text }) => `- ${code(clockTime(at))} ${plain(text)}`);
  const half = MOST_NOTES / 2;
  const shown =
    lines.length > MOST_NOTES
      ? [
          ...lines.slice(0, half),
          `- … ${count(lines.length - MOST_NOTES)} more in the JSON report`,
          ...lines.slice(-half),
        ]
      : lines;
  return details('What happened when (UTC)', shown.join('\n'));
}

function forecast({ forecast: foretold }: Report): string {
  if (!foretold) return '';
  const { detects, stableRate, requestsPerSecond, detection } = foretold;
  const traffic =
    requestsPerSecond === undefined ? '' : ` At ${requests(Math.round(requestsPerSecond))} a second in all,`;
  const found = detection === undefined ? '' : ` this plan finds it ${percent(detection)} of the time.`;
  const rows = foretold.steps.map(({ weight, expectedRequests, neededRequests }) => [
    `${weight} %`,
    expectedRequests === undefined ? 'not known' : count(expectedRequests),
    neededRequests === undefined ? 'not known' : count(neededRequests),
  ]);
  const text = `A canary with ${percent(detects)} errors where stable has ${percent(stableRate)}.${traffic}${found}`;
  return details(
    'What the plan can see',
    `${text}\n\n${table(['Weight', 'Canary requests expected', 'needed on average'], rows)}`,
  );
}

function footer({ run, found }: Report): string {
  if (!run) return '';
  const facts = [
    `Plan ${code(run.plan)}`,
    ...(found ? [`${plain(found.route)}`, `revision ${code(found.revision)}`] : []),
  ];
  return `<sub>${facts.join(' · ')} · metrics: ${code(run.source)} · by ${plain(run.by)}</sub>`;
}

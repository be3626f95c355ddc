import type { Verdict } from '../canary/ports.ts';
import { count, percent } from '../core/wording.ts';
import type { Tally } from '../judge/types.ts';
import { nextSteps, stepMarkdown } from './advice.ts';
import type { Report } from './canary-report-schema.ts';
import { artifactsLink, block, bold, code, details, GITHUB, joined, plain, table, withRuns } from './markdown.ts';
import { mermaidCharts } from './mermaid.ts';
import { clockTime, endText, firstText, podTitle, requests, span } from './sentences.ts';
import { subjectMarkdown } from './subject.ts';

const marks: Readonly<Record<Verdict, string>> = { promoted: '✅', 'rolled-back': '⏪', frozen: '🧊', held: '✋' };

/** GitHub allows 1 MiB per step; each step's summary counts separately. */
const LIMIT = 1_000_000;
const MOST_NOTES = 60;

/**
 * The job summary as Markdown: verdict and measured reason first, then what to do next, then the measurements. Always below
 * GitHub's limit of 1 MiB.
 */
export function renderSummary(report: Report, server = GITHUB): string {
  const parts = [
    headline(report),
    next(report),
    writes(report),
    mermaidCharts(report) ?? '',
    steps(report),
    checks(report),
    pods(report),
    steering(report),
    timeline(report),
    forecast(report),
    footer(report, server),
  ];
  return joined(parts, LIMIT);
}

function headline(report: Report): string {
  const { outcome, failure, run, writes: planned } = report;
  const about = subjectMarkdown(report);
  const subject = about === '' ? '' : ` ${about}`;
  if (outcome) {
    return `## ${marks[outcome.verdict]} ${endText(outcome)}:${subject}\n\n${bold(outcome.reason)}`;
  }
  if (report.first && !failure) {
    return `## 🌱 First release:${subject || ` ${plain(report.first.about)}`}\n\n${bold(`${firstText(report.first)}.`)}`;
  }
  if (failure) {
    const changed = failure.unchanged ? 'nothing was changed' : 'no verdict';
    return `## ⛔ Stopped, ${changed}:${subject}\n\n${bold(`${failure.about}: ${failure.problem}`)}`;
  }
  if (run?.dryRun) {
    return `## 📝 Dry run:${subject}\n\n**${plannedText(planned)} Nothing was changed.**`;
  }
  return `## ⏳ Running:${subject}`;
}

function next(report: Report): string {
  const lines = nextSteps(report);
  return lines.length === 0
    ? ''
    : `### What to do next\n\n${lines.map((line) => `- ${stepMarkdown(line)}`).join('\n')}`;
}

/** Counts the writes that are certain, and those that follow only if the canary does well. */
function plannedText(planned: Report['writes']): string {
  const number = (count: number) => `${count} ${count === 1 ? 'write' : 'writes'}`;
  const later = planned.filter((write) => write.later).length;
  const first = `${number(planned.length - later)} would be made for the first step`;
  return later === 0 ? `${first}.` : `${first}, and up to ${number(later)} after it, as far as the canary does well.`;
}

function writes({ writes: planned }: Report): string {
  if (planned.length === 0) return '';
  const diffs = (some: Report['writes']) =>
    some
      .map(({ action, object, weight, diff }) =>
        details(`${action} ${object}${weight === undefined ? '' : ` for ${weight} %`}`, block('diff', diff)),
      )
      .join('\n');
  const [now, later] = [planned.filter((write) => !write.later), planned.filter((write) => write.later)];
  return [
    `### What would be written for the first step\n\n${diffs(now)}`,
    ...(later.length === 0 ? [] : [`### What would follow, as far as the canary does well\n\n${diffs(later)}`]),
    'Whatever is created for the rollout is removed again at its end.',
  ].join('\n\n');
}

/** The logs and events that were kept of pods that are gone. */
function pods({ pods: told }: Report): string {
  if (!told || told.length === 0) return '';
  const parts = told.map((pod) => {
    const lines = [...pod.lastLines, ...(pod.lastLines.length === 0 ? ['(its log is empty)'] : [])];
    return [
      bold(podTitle(pod)),
      ...(pod.missing.length > 0 ? pod.missing.map((text) => plain(text)) : [block('text', lines.join('\n'))]),
      ...(pod.events.length > 0 ? [pod.events.map((text) => `- ${plain(text)}`).join('\n')] : []),
    ].join('\n\n');
  });
  return `### Pods in trouble\n\n${parts.join('\n\n')}`;
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

/** The cells with the number of requests, and how many of them failed. */
function armCells({ requests: number, errors }: Tally): string[] {
  return [requests(number), number === 0 ? '' : `${count(errors)} (${percent(errors / number)})`];
}

function checks({ opinions, breach, run }: Report): string {
  if (run?.uncounted) {
    return '### Checks\n\nThe pods’ health alone was judged. Not looked at, as requests are not counted (`meter: none`): errors, latency, and whether the canary got requests at all.';
  }
  // Shows the opinion that caused the breach, not what was measured after it.
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

/** The commands that steer a rollout; only while it is running. */
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

function footer({ run, found }: Report, server: string): string {
  if (!run) return '';
  const facts = [
    `Plan ${code(run.plan)}`,
    ...(found ? [`${plain(found.route)}`, `revision ${code(found.revision)}`] : []),
  ];
  return `<sub>${facts.join(' · ')} · metrics: ${code(run.source)} · ${[`by ${withRuns(run.by, server)}`, ...artifactsLink(run.by, server)].join(' · ')}</sub>`;
}

import { adviceLine } from './advice.ts';
import type { GateReport, ReportedCheck } from './gate-report.ts';
import { artifactsLink, bold, code, details, GITHUB, plain, table } from './markdown.ts';
import { clockTime } from './sentences.ts';

const marks = { passed: '✅', warning: '⚠️', failed: '⛔', undecided: '❔' } as const;
const names = { passed: 'Passed', failed: 'Failed', undecided: 'Undecided' } as const;
const lacking = {
  data: 'Data are missing: see that the source answers, and run it again.',
  traffic: 'There was too little traffic for an answer: watch for longer, or let `must-detect` be a larger rate.',
  certainty: 'The data leave it open: watch for longer.',
} as const;

/** The job summary as Markdown: verdict and reason first, then each check with what was measured. */
export function renderGate(report: GateReport, server = GITHUB): string {
  const { verdict, warning, reason, next, by, warnings } = report;
  const title = verdict
    ? `${marks[warning ? 'warning' : verdict]} Gate: ${names[verdict].toLowerCase()}${warning ? ', with a warning' : ''}`
    : '⛔ Gate: no answer';
  const parts = [
    `## ${title}\n\n${bold(reason)}`,
    next === undefined ? (report.lacks ? lacking[report.lacks] : '') : `### What to do next\n\n- ${adviceLine(next)}`,
    checkTable(report.checks),
    warnings.length === 0 ? '' : warnings.map(({ text }) => `- ⚠️ ${plain(text)}`).join('\n'),
    asked(report.checks),
    `<sub>${[`by ${plain(by)}`, ...artifactsLink(by, server)].join(' · ')}</sub>`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** How each check stands; empty where there is none. */
export function checkTable(all: readonly ReportedCheck[]): string {
  if (all.length === 0) return '';
  const rows = all.map(({ name, state, sentence }) => [marks[state], code(name), plain(sentence)]);
  return table(['', 'Check', 'What was measured'], rows);
}

function asked(all: readonly ReportedCheck[]): string {
  if (all.length === 0) return '';
  const lines = all.flatMap(({ name, asked: question, evidence, gaps }) => [
    `- ${code(name)}: ${code(question)}${evidence === undefined ? '' : `<br>${plain(evidence)}`}`,
    ...gaps.map(
      ({ from, to, reason }) => `  - no data from ${code(clockTime(from))} to ${code(clockTime(to))}: ${plain(reason)}`,
    ),
  ]);
  return details('What was asked (times in UTC)', lines.join('\n'));
}

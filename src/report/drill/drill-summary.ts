import { count } from '../../core/wording.ts';
import { adviceLine } from '../advice.ts';
import type { GateReport } from '../gate-report.ts';
import { checkTable } from '../gate-summary.ts';
import { artifactsLink, bold, code, details, GITHUB, joined, plain, table, withRuns } from '../markdown.ts';
import { clockTime } from '../sentences.ts';
import type { DrillReport, ReportedFault } from './drill-report.ts';
import { drillTimeline } from './drill-timeline.ts';
import {
  answerText,
  effectText,
  feltNames,
  lostText,
  podsText,
  recoveryText,
  successText,
  targetNames,
  targetsText,
  verdictNames,
} from './drill-words.ts';

/** GitHub allows 1 MiB per step; each step's summary counts separately. */
const LIMIT = 1_000_000;

const marks = { resilient: '✅', 'not-resilient': '⛔', incomplete: '❔', aborted: '✋' } as const;
const targetMarks = { passed: '✅', failed: '⛔', missing: '❔' } as const;
const changeMarks = { worse: '⛔ worse', better: '✅ better', same: 'same', unknown: '❔ not known' } as const;

/** The job summary as Markdown: verdict, reason and what to do first, then what was measured, then what it was measured with. */
export function renderDrill(report: DrillReport, server = GITHUB): string {
  const { by, warnings } = report;
  const parts = [
    `## ${headline(report)}\n\n${bold(report.reason)}`,
    nextSteps(report),
    leftBehind(report),
    faultTable(report),
    targetTable(report),
    advice(report),
    comparison(report),
    drillTimeline(report),
    warnings.map(({ text }) => `- ⚠️ ${plain(text)}`).join('\n'),
    details(report.dryRun ? 'What would be hit' : 'What was hit', hits(report)),
    details('Steady state, by the checks', steadyState(report)),
    details('What users were measured by (times in UTC)', requests(report)),
    moments(report),
    `<sub>${[`by ${withRuns(by, server)}`, ...artifactsLink(by, server)].join(' · ')}</sub>`,
  ];
  return joined(parts, LIMIT);
}

function headline({ verdict, dryRun, service, endedAt, score }: DrillReport): string {
  const title = verdict
    ? `${marks[verdict]} Drill: ${verdictNames[verdict]}`
    : dryRun
      ? '📝 Drill: dry run'
      : endedAt === undefined
        ? '⏳ Drill: not over yet'
        : '⛔ Drill: no answer';
  return `${title}: ${plain(service)}${score === undefined ? '' : `, score ${Math.floor(score)} %`}`;
}

export function nextSteps({ next }: DrillReport): string {
  return next === undefined || next.trim() === '' ? '' : `### What to do next\n\n- ${adviceLine(next)}`;
}

function leftBehind({ left, faults }: DrillReport): string {
  const stuck = faults.flatMap(({ text, notRemoved }) => (notRemoved === undefined ? [] : [`${text}: ${notRemoved}`]));
  const all = left.length > 0 ? left : stuck;
  return all.length === 0 ? '' : `### ⛔ Left in the cluster\n\n${all.map((text) => `- ${plain(text)}`).join('\n')}`;
}

/** One row a fault with the figures that are asked for first. */
export function faultTable({ faults, dryRun }: DrillReport): string {
  if (dryRun || faults.length === 0) return dryRun ? '' : 'No fault was planned.';
  const rows = faults.map((fault) => [
    code(fault.text),
    feltText(fault),
    fault.measured ? successText(fault.measured.lowestSuccess) : 'not measured',
    recoveryText(fault, 'fromInjection'),
    recoveryText(fault, 'fromRemoval'),
    lostText(fault),
    targetCell(fault),
  ]);
  const head = ['Fault', 'Felt', 'Lowest success', 'Recovery from injection', '… from removal', 'Lost', 'Targets'];
  return table(head, rows);
}

/** Whether it was felt, or how far it came. */
function feltText({ effect, injectedAt, injectingAt, stopped, removedAt, notRemoved }: ReportedFault): string {
  if (injectingAt === undefined && injectedAt === undefined) return 'not injected';
  const felt = effect ? feltNames[effect.felt] : 'not looked at';
  const isLeft = notRemoved !== undefined || removedAt === undefined;
  return [
    injectedAt === undefined ? 'injected in part at most' : felt,
    ...(stopped ? ['stopped'] : []),
    ...(isLeft ? ['**not seen removed**'] : []),
  ].join(', ');
}

function targetCell(fault: ReportedFault): string {
  const { targets } = fault;
  if (targets.length === 0) return targetsText(fault);
  const worst = (['failed', 'missing'] as const).find((state) => targets.some((one) => one.state === state));
  return `${targetMarks[worst ?? 'passed']} ${targetsText(fault)}`;
}

export function targetTable({ faults, targets, dryRun }: DrillReport): string {
  const rows = faults.flatMap(({ text, targets: results }) =>
    results.map(({ target, state, sentence }) => [
      targetMarks[state],
      code(target),
      code(text),
      `${targetNames[state]}: ${plain(sentence)}`,
    ]),
  );
  if (rows.length > 0) return table(['', 'Target', 'Fault', 'What was measured'], rows);
  if (dryRun || targets.length === 0) return targets.length === 0 ? 'No target was given.' : '';
  return `No target was judged: ${targets.map(code).join(', ')}.`;
}

export function advice({ advice: all }: DrillReport): string {
  return all.length === 0 ? '' : `### What to mend\n\n${all.map((text) => `- ${plain(text)}`).join('\n')}`;
}

function comparison({ comparison: compared, dryRun }: DrillReport): string {
  if (dryRun) return '';
  if (!compared) return 'It was not compared with earlier runs.';
  const { earlier, changes } = compared;
  if (earlier === 0) return 'There is no earlier run to compare with.';
  const rows = changes.map(({ fault, figure, state, sentence }) => [
    changeMarks[state],
    plain(figure),
    code(fault),
    plain(sentence),
  ]);
  const title = `### Against ${count(earlier)} earlier ${earlier === 1 ? 'run' : 'runs'}`;
  return `${title}\n\n${rows.length === 0 ? 'No figure could be compared.' : table(['', 'Figure', 'Fault', ''], rows)}`;
}

function hits({ faults }: DrillReport): string {
  if (faults.length === 0) return 'No fault was planned.';
  const lines = faults.flatMap(({ text, aim, effect }) => [
    `- ${code(text)}: ${aim ? plain(podsText(aim)) : 'it was not aimed'}`,
    ...(effect ? [`  - ${plain(effectText(effect))}`] : []),
    ...(aim?.writes ?? []).map((write) => `  - ${code(write)}`),
    ...(aim?.warnings ?? []).map((warning) => `  - ⚠️ ${plain(warning)}`),
  ]);
  return lines.join('\n');
}

function steadyState({ steady: { before, after }, dryRun }: DrillReport): string {
  if (!before && !after) return dryRun ? 'A dry run does not look at it.' : 'It was not looked at.';
  return [gateText('Before', before), gateText('After', after)].join('\n\n');
}

function gateText(when: string, gate: GateReport | undefined): string {
  if (!gate) return `**${when}**: it was not looked at.`;
  const { verdict, reason, checks } = gate;
  const text = `**${when}**: ${verdict ?? 'no answer'}: ${plain(reason)}`;
  return checks.length === 0 ? text : `${text}\n\n${checkTable(checks)}`;
}

function requests({ requests: { asked, evidence, gaps, slices }, faults, dryRun }: DrillReport): string {
  const reasons = faults.flatMap(({ text, measured }) =>
    (measured?.faults ?? []).map((one) => `- ${code(text)}: ${count(one.count)} failed: ${plain(one.fault)}`),
  );
  const none = dryRun ? 'A dry run measures none.' : 'No request was counted.';
  return [
    asked === undefined ? 'Nothing was asked.' : code(asked),
    evidence === undefined ? '' : plain(evidence),
    slices.length === 0 ? none : '',
    latencies(faults),
    reasons.join('\n'),
    gaps
      .map(
        ({ from, to, reason }) =>
          `- nothing is known from ${code(clockTime(from))} to ${code(clockTime(to))}: ${plain(reason)}`,
      )
      .join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** The slowest twentieth of the answers: before, during and after each fault. */
function latencies(faults: readonly ReportedFault[]): string {
  const known = faults.filter(({ measured }) => measured);
  if (known.length === 0) return '';
  const rows = known.map(({ text, measured }) => {
    const times = (['before', 'during', 'after'] as const).map((when) => {
      const latency = measured?.latency[when];
      return latency ? answerText(latency.p95) : 'not measured';
    });
    return [code(text), ...times];
  });
  return table(['95th percentile of answers', 'before', 'during', 'after'], rows);
}

/** What answered the faults beside the service itself. */
function moments({ moments: all, dryRun }: DrillReport): string {
  if (all.length === 0) return dryRun ? '' : 'No answer of an autoscaler, of outlier ejection or of an alert was seen.';
  const lines = all.map(
    ({ at, kind, state, text }) => `- ${code(clockTime(at))} ${plain(kind)} ${plain(state)}: ${plain(text)}`,
  );
  return details('How autoscaler, outlier ejection and alerts answered (UTC)', lines.slice(0, 100).join('\n'));
}

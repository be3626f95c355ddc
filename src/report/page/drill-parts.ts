import { count } from '../../core/wording.ts';
import type { DrillReport, ReportedFault } from '../drill/drill-report.ts';
import {
  answerText,
  effectText,
  feltNames,
  lostText,
  podsText,
  recoveryText,
  secondsText,
  successText,
} from '../drill/drill-words.ts';
import type { GateReport } from '../gate-report.ts';
import { clockTime } from '../sentences.ts';
import { type Content, details, type Html, html, table, timeOf } from './html.ts';
import { stateOf } from './parts.ts';

const feltStates = {
  felt: stateOf('✓', feltNames.felt, ''),
  'not-felt': stateOf('✗', feltNames['not-felt'], 'wait'),
  unknown: stateOf('?', feltNames.unknown, 'wait'),
} as const;

const targetStates = {
  passed: stateOf('✓', 'met', 'good'),
  failed: stateOf('✗', 'missed', 'bad'),
  missing: stateOf('?', 'not measured', 'wait'),
} as const;

const changeStates = {
  worse: stateOf('✗', 'worse', 'bad'),
  better: stateOf('✓', 'better', 'good'),
  same: stateOf('=', 'the same', ''),
  unknown: stateOf('?', 'not known', 'wait'),
} as const;

const checkStates = {
  passed: stateOf('✓', 'passed', 'good'),
  warning: stateOf('⚠', 'passed with a warning', 'wait'),
  failed: stateOf('✗', 'failed', 'bad'),
  undecided: stateOf('?', 'undecided', 'wait'),
} as const;

/** One row a fault: when, whether it was felt, and what it cost. */
export function faultsTable({ faults, dryRun }: DrillReport): Html {
  if (dryRun) {
    const rows = faults.map(({ text, lasts }) => [
      html`<code>${text}</code>`,
      lasts === 0 ? 'at once' : secondsText(lasts),
    ]);
    return table('The faults', ['Fault', 'Lasts'], rows);
  }
  const rows = faults.map((fault) => [
    html`<code>${fault.text}</code>`,
    moment(fault.injectedAt, fault.injectingAt === undefined ? 'not injected' : 'in part at most'),
    fault.effect ? feltStates[fault.effect.felt] : 'not looked at',
    moment(fault.removedAt, fault.injectingAt === undefined ? '' : 'not seen removed'),
    fault.measured ? successText(fault.measured.lowestSuccess) : 'not measured',
    recoveryText(fault, 'fromInjection'),
    recoveryText(fault, 'fromRemoval'),
    fault.measured ? secondsText(fault.measured.belowTarget) : 'not measured',
    lostText(fault),
  ]);
  const head = [
    ...['Fault', 'Injected', 'Felt', 'Removed', 'Lowest success'],
    ...['Recovery from injection', 'from removal', 'Below target', 'Lost requests'],
  ];
  return table('What each fault did to users (times in UTC)', head, rows);
}

function moment(at: number | undefined, otherwise: string): Content {
  return at === undefined ? otherwise : timeOf(at, clockTime(at));
}

export function targetsTable({ faults, targets }: DrillReport): Html {
  const rows = faults.flatMap(({ text, targets: results }) =>
    results.map(({ target, state, sentence }) => [
      html`<code>${target}</code>`,
      html`<code>${text}</code>`,
      targetStates[state],
      html`<span class="long">${sentence}</span>`,
    ]),
  );
  if (rows.length > 0)
    return table('How the targets were met', ['Target', 'Fault', 'State', 'What was measured'], rows);
  if (targets.length === 0) return html`<p>No target was given.</p>`;
  return html`<p>No target was judged:${targets.map((target) => html` <code>${target}</code>`)}.</p>`;
}

export function comparisonTable({ comparison }: DrillReport): Html {
  if (!comparison) return html`<p>It was not compared with earlier runs.</p>`;
  const { earlier, changes } = comparison;
  if (earlier === 0) return html`<p>There is no earlier run to compare with.</p>`;
  if (changes.length === 0) return html`<p>No figure could be compared.</p>`;
  const rows = changes.map(({ fault, figure, state, sentence }) => [
    figure,
    html`<code>${fault}</code>`,
    changeStates[state],
    html`<span class="long">${sentence}</span>`,
  ]);
  return table(`Figures against ${count(earlier)} earlier`, ['Figure', 'Fault', 'State', ''], rows);
}

/** What each fault hits, and how it was felt. */
export function hitsPart(faults: readonly ReportedFault[]): Content {
  return faults.map(({ text, aim, effect }) => [
    html`<h3><code>${text}</code></h3>`,
    aim ? html`<p>It hits ${podsText(aim)}.</p>` : html`<p>It was not aimed.</p>`,
    effect && html`<p>${effectText(effect)}</p>`,
    aim && aim.warnings.length > 0
      ? html`<ul>${aim.warnings.map((warning) => html`<li>${warning}</li>`)}</ul>`
      : undefined,
    aim && aim.writes.length > 0
      ? details(
          `What it writes (${count(aim.writes.length)})`,
          html`<ul>${aim.writes.map((write) => html`<li><code>${write}</code></li>`)}</ul>`,
        )
      : undefined,
  ]);
}

export function steadyPart({ before, after }: DrillReport['steady']): Content {
  return [gatePart('Before', before), gatePart('After', after)];
}

function gatePart(when: string, gate: GateReport | undefined): Html {
  if (!gate) return html`<p>${when} the faults: it was not looked at.</p>`;
  const { verdict, reason, checks } = gate;
  const rows = checks.map(({ name, state, sentence }) => [
    html`<code>${name}</code>`,
    checkStates[state],
    html`<span class="long">${sentence}</span>`,
  ]);
  return html`<p>${when} the faults: ${verdict ?? 'no answer'}: ${reason}</p>
${rows.length === 0 ? undefined : table(`Checks ${when.toLowerCase()} the faults`, ['Check', 'State', 'What was measured'], rows)}`;
}

/** The 95th percentile of answers; nothing where no fault was measured. */
export function latencyTable(faults: readonly ReportedFault[]): Html | undefined {
  const rows = faults.flatMap(({ text, measured }) =>
    measured
      ? [
          [
            html`<code>${text}</code>`,
            ...(['before', 'during', 'after'] as const).map((when) => {
              const latency = measured.latency[when];
              return latency
                ? `${answerText(latency.p50)}, ${answerText(latency.p95)}, ${answerText(latency.p99)}`
                : 'not measured';
            }),
          ],
        ]
      : [],
  );
  if (rows.length === 0) return undefined;
  return table('Time of answers: median, 95th and 99th percentile', ['Fault', 'Before', 'During', 'After'], rows);
}

/** Why requests failed. */
export function reasonsTable(faults: readonly ReportedFault[]): Html | undefined {
  const rows = faults.flatMap(({ text, measured }) =>
    (measured?.faults ?? []).map((one) => [
      html`<span class="long">${one.fault}</span>`,
      count(one.count),
      html`<code>${text}</code>`,
    ]),
  );
  return rows.length === 0 ? undefined : table('Why requests failed', ['Reason', 'Requests', 'Fault'], rows);
}

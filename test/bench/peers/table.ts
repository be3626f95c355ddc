import { faultNames, faults } from './faults.ts';
import type { Breakdown, Result } from './results.ts';
import { configNames, toolNames } from './tool.ts';

/** The results as one Markdown table: a row for each fault, tool and plan; medians with ranges, and the mean where it is aimed at. */
export function table(results: readonly Result[]): string {
  const rows = faultNames.flatMap((fault) =>
    toolNames.flatMap((tool) =>
      configNames.flatMap((config) => {
        const of = results.filter((one) => one.fault === fault && one.tool === tool && one.config === config);
        return of.length === 0 ? [] : [row(faults[fault].says, tool, config, of)];
      }),
    ),
  );
  return markdown(
    ['release', 'tool', 'plan', 'rolled back', 'seconds', 'canary requests', 'bad', 'lost', 'else'],
    rows,
  );
}

function row(says: string, tool: string, config: string, of: readonly Result[]): string[] {
  const back = of.filter(({ verdict }) => verdict === 'rolled-back');
  // Of a promoted release nobody can tell the canary's requests from the others.
  const exposed = of.filter(({ verdict }) => verdict !== 'promoted');
  const canary = exposed.map((one) => one.canary);
  const mean = canary.reduce((sum, one) => sum + one, 0) / canary.length;
  const others = (['promoted', 'undecided'] as const).flatMap((verdict) => {
    const those = of.filter((one) => one.verdict === verdict);
    return those.length === 0
      ? []
      : [`${those.length} ${verdict}, after ${spread(those.map((one) => one.duration))} s`];
  });
  return [
    says,
    tool,
    config,
    `${back.length} of ${of.length}`,
    spread(exposed.map((one) => one.seconds)),
    exposed.length === 0 ? '-' : `${spread(canary)}, mean ${figure(mean)}`,
    spread(exposed.map((one) => one.bad)),
    lost(of),
    others.join('; '),
  ];
}

/** Of all runs: whether a release is rolled back or not, it should lose nothing. */
function lost(of: readonly Result[]): string {
  const some = of.filter((one) => one.lost > 0);
  return some.length === 0 ? '0' : `${spread(some.map((one) => one.lost))} in ${some.length} of ${of.length} runs`;
}

const stages: readonly (readonly [keyof Breakdown, string])[] = [
  ['evidence', 'first bad answer → enough to prove it'],
  ['measured', '→ counters read'],
  ['decided', '→ breach decided'],
  ['written', '→ route written'],
  ['followed', '→ last canary request'],
];

/** Where the time went at 100 % errors, in milliseconds. */
export function breakdownTable(results: readonly Result[]): string {
  const broken = toolNames.flatMap((tool) => {
    const of = results.flatMap((one) => (one.tool === tool && one.breakdown ? [one.breakdown] : []));
    return of.length === 0 ? [] : [{ tool, of }];
  });
  return markdown(
    ['milliseconds', ...broken.map(({ tool }) => tool)],
    stages.map(([stage, says]) => [says, ...broken.map(({ of }) => spread(of.map((one) => one[stage])))]),
  );
}

/** `8 (5 to 12)` */
function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [least] = sorted;
  const most = sorted.at(-1);
  if (least === undefined || most === undefined) return '-';
  return least === most ? figure(least) : `${figure(median(sorted))} (${figure(least)} to ${figure(most)})`;
}

/** Of at least one value. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2;
}

function figure(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 });
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

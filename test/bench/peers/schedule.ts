import { type Fault, faultNames } from './faults.ts';
import type { Job } from './measure.ts';
import { type ConfigName, configNames, type ToolName, toolNames } from './tool.ts';

/** Releases of every tool under every plan with every fault, as often as `runs`. */
export interface Selection {
  readonly tools: readonly ToolName[];
  readonly configs: readonly ConfigName[];
  readonly faults: readonly Fault[];
  readonly runs: number;
}

export const sluices = toolNames.filter((name) => name.startsWith('sluice'));

/** Flagger has no way to hold a weight. */
const impossible = [{ tool: 'flagger', config: 'hold' }];

/** All that `docs/peers.md` is made of. */
export const whole: readonly Selection[] = [
  // They take up to three quarters of an hour: one of each tells enough.
  { tools: ['argo', 'flagger', 'sluice-pods'], configs: ['sample'], faults: faultNames, runs: 1 },
  { tools: sluices, configs: ['hold'], faults: faultNames, runs: 5 },
  { tools: ['sluice-pods', 'argo', 'flagger'], configs: ['ramp'], faults: faultNames, runs: 5 },
];

/**
 * What is to be measured, without what was measured before. Samples come first, as they take longest. The others are mixed,
 * run by run: whatever disturbs the lab for a while disturbs all alike.
 */
export function jobsOf(selections: readonly Selection[], measured: readonly Job[]): Job[] {
  const before = new Map<string, number>();
  for (const job of measured) before.set(keyOf(job), (before.get(keyOf(job)) ?? 0) + 1);
  return inOrder(selections).filter((job) => {
    const left = before.get(keyOf(job)) ?? 0;
    before.set(keyOf(job), left - 1);
    return left <= 0;
  });
}

function keyOf({ tool, config, fault }: Job): string {
  return `${tool} ${config} ${fault}`;
}

function inOrder(selections: readonly Selection[]): Job[] {
  const rounds = Math.max(...selections.map(({ runs }) => runs));
  const samples = selections.filter(({ configs }) => configs.includes('sample'));
  const others = selections.filter((one) => !samples.includes(one));
  const mixed = Array.from({ length: rounds }, (_, round) =>
    others
      .filter(({ runs }) => round < runs)
      .flatMap(once)
      .toSorted(longestFirst),
  );
  return [...samples.flatMap((one) => Array.from({ length: one.runs }, () => once(one)).flat()), ...mixed.flat()];
}

function once({ tools, configs, faults }: Selection): Job[] {
  return tools.flatMap((tool) =>
    configs
      .filter((config) => !impossible.some((one) => one.tool === tool && one.config === config))
      .flatMap((config) => faults.map((fault) => ({ tool, config, fault }))),
  );
}

function longestFirst(a: Job, b: Job): number {
  return (
    faultNames.indexOf(a.fault) - faultNames.indexOf(b.fault) ||
    configNames.indexOf(a.config) - configNames.indexOf(b.config)
  );
}

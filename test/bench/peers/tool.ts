import type { Fault } from './faults.ts';
import type { Shop } from './shop.ts';

export const toolNames = [
  'sluice-pods',
  'sluice-gateway',
  'sluice-prometheus-1s',
  'sluice-prometheus-5s',
  'argo',
  'flagger',
] as const;
export type ToolName = (typeof toolNames)[number];

/**
 * `hold`: 5 % for five minutes, then everything. `ramp`: 5 % more every ten seconds up to 50 %, then everything.
 * `sample`: as the tool's own documentation shows it.
 */
export const configNames = ['hold', 'ramp', 'sample'] as const;
export type ConfigName = (typeof configNames)[number];

/** Per cent of each step of `ramp`. */
export const rampWeights = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50] as const;

export type Verdict = 'promoted' | 'rolled-back' | 'undecided';

/** How a tool has ended a release. */
export interface Ending {
  readonly verdict: Verdict;
  /** In its own words. */
  readonly reason: string;
}

/** What is released to which shop, and how. */
interface Release {
  readonly shop: Shop;
  readonly config: ConfigName;
  readonly fault: Fault;
  /** Path without an ending, for what the tool leaves to be read. */
  readonly files: string;
  readonly signal: AbortSignal;
}

export interface Tool {
  /** Makes the shop with v1 as this tool wants to find it, and returns when it would take a release. */
  install(shop: Shop, config: ConfigName): Promise<void>;
  /** Releases the image of the fault. Resolves when the tool has ended it, rejects with the signal's reason. */
  release(release: Release): Promise<Ending>;
  /** Milliseconds after its end in which it still removes pods. */
  readonly aftermath: number;
}

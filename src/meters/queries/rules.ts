import { SluiceError } from '../../core/errors.ts';
import type { Arm } from '../../judge/readings.ts';
import type { EndingLabel } from '../endings/endings.ts';
import type { ServerMetric } from '../endings/server-metrics.ts';
import { equal, type Labels, NAME, type Selector } from '../series/selector.ts';

/** The names of one arm in metrics. */
interface ArmNames {
  /** The Deployment or StatefulSet. */
  readonly workload: string;
  /** The Service, without its namespace. */
  readonly service?: string;
  /** The subset of a DestinationRule, or the `version` label of the pods. */
  readonly version?: string;
}

export interface Names {
  readonly namespace: string;
  readonly stable: ArmNames;
  readonly canary: ArmNames;
}

/** What the series that match a selector count. */
export interface Rule {
  readonly arm: Arm;
  /** `start` is the start time of a process, in Unix seconds; the others as in `Counter`. */
  readonly kind: 'requests' | 'errors' | 'bucket' | 'start';
  readonly selector: Selector;
  /** Whether a matching series belongs to the arm, if the selector alone can't tell. */
  readonly isOfArm?: (labels: Labels) => boolean;
  /** How many units of a bucket's `le` make a second. */
  readonly perSecond: 1 | 1_000;
  /** The labels of `requests` that tell how they ended; without them, rules for `errors` count the errors. */
  readonly endings?: readonly EndingLabel[];
}

/** Where series come from: scraped by Prometheus, which adds labels, or read by Sluice, which adds the label `arm`. */
export type Place = 'prometheus' | 'pods';

export const ARMS = ['stable', 'canary'] as const satisfies readonly Arm[];

export function metricRules(arm: Arm, common: Selector, metric: ServerMetric): Rule[] {
  const { requests, endings, histogram, perSecond } = metric;
  return [
    { arm, kind: 'requests', selector: [equal(NAME, requests), ...common], perSecond: 1, endings },
    { arm, kind: 'bucket', selector: [equal(NAME, `${histogram}_bucket`), ...common], perSecond },
  ];
}

export function requireName(name: string | undefined, arm: Arm, what: 'service' | 'version', kind: string): string {
  if (name) return name;
  throw new SluiceError('invalid-input', {
    about: `default queries "${kind}"`,
    problem: `need the ${what} of the ${arm} arm, which is not given.`,
    next: `Give the ${what}, or queries of your own.`,
  });
}

import * as z from 'zod';
import { POD_CHECK } from '../../canary/observation/pod-check.ts';
import { watchKinds } from '../../judge/panel.ts';
import { duration, number, rate } from '../../runner/input-types.ts';
import { checkList, checkName, must, scalar } from '../checks/check-list.ts';

const onBreach = z.enum(['rollback', 'freeze', 'warn'], must('rollback, freeze or warn'));
const common = { name: checkName.optional(), 'on-breach': onBreach.optional() };
/** A check without these settings uses the inputs of the same names. */
const comparison = {
  tolerance: scalar.pipe(number(1).schema).optional(),
  'absolute-tolerance': scalar.pipe(rate.schema).optional(),
  'burst-size': scalar.pipe(number(1).schema).optional(),
};

const kinds = {
  'error-rate': z.strictObject({ check: z.literal('error-rate'), ...common, ...comparison }),
  'max-error-rate': z.strictObject({
    check: z.literal('max-error-rate'),
    ...common,
    limit: scalar.pipe(rate.schema),
    'min-requests': z.int(must('a whole number')).min(1, must('at least 1')).optional(),
  }),
  latency: z.strictObject({
    check: z.literal('latency'),
    ...common,
    ...comparison,
    /** Milliseconds. */
    bound: scalar.pipe(duration.schema),
  }),
  pods: z.strictObject({ check: z.literal('pods'), 'on-breach': onBreach.optional() }),
  unanswered: z.strictObject({ check: z.literal('unanswered'), 'on-breach': onBreach.optional(), ...comparison }),
} as const;

type Kind = keyof typeof kinds;

/**
 * The kinds of check that the canary shares with the gate. Each asks something else than the meter. What they are made of is
 * loaded only where one is listed.
 */
export const sharedKinds = [
  'requests',
  'ratio',
  'promql',
  'alerts',
  'burn-rate',
  'pod-logs',
  'events',
  'probe',
  'load',
  'github',
  'elasticsearch',
  'loki',
  'victorialogs',
  'jaeger',
  'cloudwatch',
  'datadog',
] as const;

/** A check of a shared kind, as it is written. */
export interface SharedCheck {
  readonly check: 'shared';
  readonly name: string;
  readonly written: Readonly<Record<string, unknown>>;
}

const shared = z.looseObject({ check: z.enum(sharedKinds), name: checkName.optional() }).transform(
  (written): SharedCheck => ({
    check: 'shared',
    name: written.name ?? written.check,
    written,
  }),
);

/** One rule as it is written; the panel adds names, units and defaults. */
export type CheckInput = { [K in Kind]: z.infer<(typeof kinds)[K]> }[Kind] | SharedCheck;

/** Names of the checks that always run; other checks must not use them. */
const watchNames: readonly string[] = [...watchKinds, POD_CHECK];

/** A YAML list of checks: `error-rate`, or a map with `check: error-rate` and the settings of the check. */
export const checks = checkList<CheckInput>(
  { ...kinds, ...Object.fromEntries(sharedKinds.map((kind) => [kind, shared])) },
  {
    nameOf: (check) => (watchNames.includes(check.check) ? undefined : nameOf(check)),
    reserved: watchNames,
  },
);

/** The name of a check in log and report. */
export function nameOf(check: CheckInput): string {
  if (check.check === 'latency') return check.name ?? `latency of ${check.bound} ms`;
  return ('name' in check ? check.name : undefined) ?? check.check;
}

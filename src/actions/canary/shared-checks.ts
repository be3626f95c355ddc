import * as z from 'zod';
import type { SourceCheck } from '../../canary/world.ts';
import type { KubernetesClient } from '../../cluster/client.ts';
import type { Clock } from '../../core/clock.ts';
import { longestTime } from '../../judge/plan.ts';
import type { OnBreach } from '../../judge/types.ts';
import { expand } from '../../meters/queries/own-queries.ts';
import { listed } from '../../runner/input-types.ts';
import { buildChecks, createCheckPlace } from '../checks/build.ts';
import type { CheckInput, Judging } from '../checks/check-kind.ts';
import { readCheck } from '../checks/check-list.ts';
import { checkKinds } from '../checks/kinds/index.ts';
import { ownTrafficProblems, tellingOwn } from '../checks/own-traffic.ts';
import { prometheusConnection } from '../checks/prometheus-inputs.ts';
import { nameOf, type SharedCheck } from './checks-input.ts';
import { meterOf } from './contradictions.ts';
import type { CanaryInputs } from './inputs.ts';
import { namesOf, shareOf } from './judge-settings.ts';
import type { LoadedInputs } from './load-inputs.ts';
import type { Place } from './router-options.ts';

/** A check that the canary shares with the gate, as it was read. */
export interface SharedCheckInput extends CheckInput {
  readonly onBreach: OnBreach;
}

const kinds = Object.fromEntries(checkKinds.map(({ kind, schema }) => [kind, schema.transform(ofCanary)]));

function ofCanary(check: CheckInput, context: z.core.$RefinementCtx<CheckInput>): SharedCheckInput {
  const { onBreach = 'rollback', key, weight, group } = check;
  const idle = Object.entries({ key, weight, group }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (idle.length > 0) context.addIssue(`has "${idle.join('", "')}", which is for gates: leave it out`);
  if (onBreach !== 'fail') return { ...check, onBreach };
  context.addIssue('"on-breach": must be rollback, freeze or warn');
  return z.NEVER;
}

/** Reads the settings of these checks of the inputs, and says what is wrong with them, one sentence each. */
export function readSharedChecks(
  inputs: CanaryInputs,
  written: readonly SharedCheck[],
): {
  readonly checks: readonly SharedCheckInput[];
  readonly problems: readonly string[];
} {
  const problems: string[] = [];
  const checks = written.flatMap((one) => readCheck(kinds, one.written, `Check ${one.name}`, problems));
  return { checks, problems: [...problems.map((problem) => `${problem}.`), ...loadProblems(inputs, checks)] };
}

/**
 * What is wrong where the canary gets requests of its own: the meter's counts say whether a step has seen enough users, so they
 * must not have others in them.
 */
function loadProblems(inputs: CanaryInputs, shared: readonly SharedCheckInput[]): string[] {
  const named = inputs.checks.flatMap((one) =>
    one.check === 'shared' || one.check === 'pods' ? [] : [{ check: one.check, name: nameOf(one) }],
  );
  // Where no check of the meter is listed, its counts are those of `unanswered`, which always runs.
  const ofMeter = named.length > 0 ? named : [{ check: 'unanswered', name: 'unanswered' }];
  const counting = meterOf(inputs) === 'none' ? [] : ofMeter;
  const mixed = shared.flatMap(({ name, ownTraffic }) => {
    const seen = counting.filter((one) => ownTraffic?.seenBy.includes(one.name));
    if (seen.length === 0) return [];
    return `Requests of "${name}" would be taken for those of users by ${listed(seen.map((one) => one.name))}: leave them out of those counts and name the checks in "not-seen-by", or count none by "meter: none".`;
  });
  return [...ownTrafficProblems([...shared, ...counting]), ...mixed];
}

interface World {
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly client: KubernetesClient;
  readonly namespace: string;
}

/**
 * Builds the checks for these workloads; sends no request.
 *
 * @throws SluiceError `invalid-input` for settings that need a server or a name that no input gives
 */
export async function buildSharedChecks(
  loaded: Pick<LoadedInputs, 'inputs' | 'plan' | 'shared'>,
  place: Place,
  { clock, env, client, namespace }: World,
): Promise<SourceCheck[]> {
  const { inputs, shared } = loaded;
  const options = {
    connections: inputs.connections,
    prometheus: prometheusConnection(inputs),
    token: inputs.token,
    judging: judgingOf(loaded),
    expand: (template: string, arm: 'stable' | 'canary') => expand(template, arm, namesOf(inputs, place)),
  };
  const opened = () => ({ client, namespace });
  const built = await buildChecks(shared, createCheckPlace(options, { clock, env, opened }), 'canary');
  return built.map(({ check: { name, onBreach }, ...asks }) => ({
    ...asks,
    name,
    onBreach,
    rule: tellingOwn(asks.rule, name, shared),
  }));
}

/** Parts of the plan's time, in each of which a fault may begin. */
const PARTS = 8;
/** The rate that a check of rates looks for, where it has no `must-detect` of its own. */
const MUST_DETECT = 0.05;

function judgingOf({ inputs, plan, shared }: Pick<LoadedInputs, 'inputs' | 'plan' | 'shared'>): Judging {
  return {
    alpha: shareOf(inputs, shared).each,
    parts: PARTS,
    partLength: Math.max(1, longestTime(plan) / PARTS),
    designEffect: inputs['burst-size'],
    mustDetect: MUST_DETECT,
    // Nothing counts that was before the canary's first request.
    window: Number.POSITIVE_INFINITY,
  };
}

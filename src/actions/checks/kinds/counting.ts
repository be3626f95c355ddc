import * as z from 'zod';
import type { Source } from '../../../gates/ports.ts';
import type { LookRule } from '../../../judge/looks/look.ts';
import { numberRule } from '../../../judge/looks/value-rules.ts';
import type { Arm } from '../../../judge/readings.ts';
import { duration } from '../../../runner/input-types.ts';
import type { BuiltCheck, CheckPlace } from '../check-kind.ts';
import { checkName, must, scalar } from '../check-list.ts';
import { type RateSettings, rateProblem, rateRule, rateSettings } from '../rules.ts';

/** Milliseconds until an event can surely be found, and without any event after which it is not known whether they still arrive. */
const LAG = 30_000;
const STALE_AFTER = 300_000;

/** The settings of checks that count events in a store that others write to, with some delay: logs, traces. */
export const countSettings = {
  ...rateSettings,
  /** The connection of the server. */
  from: checkName.optional(),
  /** Events that are accepted over the whole time. */
  most: z.int(must('a whole number from 0 on')).min(0, must('a whole number from 0 on')).optional(),
  /** Milliseconds. */
  lag: scalar.pipe(duration.schema).default(LAG),
  /** Milliseconds. */
  'stale-after': scalar.pipe(duration.schema).default(STALE_AFTER),
};

interface CountSettings extends RateSettings {
  readonly most?: number | undefined;
  readonly 'stale-after': number;
}

/** Settings of a rate, which mean nothing to a number of events. */
const ofRates = [
  'limit',
  'relative-to',
  'before',
  'tolerance',
  'absolute-tolerance',
  'burst-size',
  'must-detect',
] as const;

export function countProblem(settings: CountSettings): string | undefined {
  if (settings['stale-after'] === 0) return 'has a "stale-after" of 0s, in which no event arrives';
  if (settings.most === undefined) {
    if (settings.limit === undefined && settings['relative-to'] === undefined)
      return 'needs "most", the number that is accepted; or "limit", the highest rate; or "relative-to", what it is compared with';
    return rateProblem(settings);
  }
  const idle = ofRates.find((name) => settings[name] !== undefined);
  return idle === undefined ? undefined : `"${idle}" has no effect with "most": leave one of them out`;
}

/** The rule for a number of events, or for their rate. */
export function countRule(
  settings: CountSettings,
  place: CheckPlace,
  words: { readonly counted: string; readonly failing: string },
): LookRule {
  const { most } = settings;
  if (most !== undefined) return numberRule({ most, words: `${words.counted} ${words.failing}` });
  return rateRule(settings, place, words);
}

/** The check of a source, and the source of the arm or the time that it is compared with. */
export function compareSources(
  settings: Pick<RateSettings, 'relative-to' | 'before' | 'window'>,
  place: CheckPlace,
  sourceOf: (arm: Arm) => Source,
): Omit<BuiltCheck, 'rule'> {
  const { before, window = place.judging.window } = settings;
  return {
    source: sourceOf('canary'),
    window,
    ...(settings['relative-to'] === 'stable' && { reference: { source: sourceOf('stable') } }),
    ...(before !== undefined && { reference: { before } }),
  };
}

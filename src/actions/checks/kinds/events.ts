import * as z from 'zod';
import { numberRule } from '../../../judge/looks/value-rules.ts';
import { duration, wholeNumber } from '../../../runner/input-types.ts';
import { eventsSource } from '../../../sources/cluster/events.ts';
import { checkKind, commonSettings } from '../check-kind.ts';
import { must, scalar } from '../check-list.ts';
import { refuse } from '../rules.ts';
import { podTarget, podTargetProblem, podTargetSettings } from './pod-target.ts';

/** Milliseconds that an API server keeps events where nothing else is configured (`--event-ttl`). */
const KEPT = 3_600_000;

const reasons = z.array(z.string().regex(/^\w+$/, must('reasons such as BackOff')), must('a list of reasons'));

interface EventSettings {
  readonly window?: number | undefined;
  readonly reasons?: readonly string[] | undefined;
  readonly ignore?: readonly string[] | undefined;
}

/** Warning events of Kubernetes about a workload, its ReplicaSets and its pods. */
export const eventsCheck = checkKind({
  kind: 'events',
  schema: z
    .strictObject({
      check: z.literal('events'),
      ...commonSettings,
      ...podTargetSettings,
      reasons: reasons.optional(),
      ignore: reasons.optional(),
      most: scalar.pipe(wholeNumber(0).schema).optional(),
      /** Milliseconds. */
      window: scalar.pipe(duration.schema).optional(),
    })
    .superRefine(refuse((settings) => podTargetProblem(settings) ?? problemOf(settings))),
  isStatistical: false,
  example: '{check: events, workload: deployment/checkout, reasons: [FailedScheduling, BackOff], most: 0}',
  build(settings, place) {
    const { most = 0, window = place.judging.window, reasons: only = [], ignore = [] } = settings;
    return {
      source: eventsSource({ target: podTarget(settings), reasons: only, ignore }, place.cluster()),
      rule: numberRule({ most, words: 'warning events' }),
      window,
    };
  },
});

function problemOf({ window = 0, reasons: only, ignore }: EventSettings): string | undefined {
  if (window > KEPT) return 'has a "window" of more than 1h: API servers keep events no longer';
  const both = only?.find((reason) => ignore?.includes(reason));
  return both === undefined ? undefined : `has ${both} in "reasons" and in "ignore"`;
}

import * as z from 'zod';
import { isSluiceError } from '../../../core/errors.ts';
import { numberRule } from '../../../judge/looks/value-rules.ts';
import { lineFilter } from '../../../meters/series/pattern.ts';
import { wholeNumber } from '../../../runner/input-types.ts';
import { podLogsSource } from '../../../sources/cluster/pod-logs.ts';
import { checkKind, commonSettings } from '../check-kind.ts';
import { must, scalar } from '../check-list.ts';
import { type RateSettings, rateProblem, rateRule, rateSettings, refuse } from '../rules.ts';
import { podTarget, podTargetProblem, podTargetSettings } from './pod-target.ts';

const pattern = z.string(must('a regular expression')).transform((text, context) => {
  try {
    lineFilter(text);
    return text;
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    context.addIssue(`${error.about} ${error.problem} ${error.next}`);
    return z.NEVER;
  }
});

type Target = Parameters<typeof podTargetProblem>[0];

interface PodLogSettings extends RateSettings, Target {
  readonly most?: number | undefined;
  readonly total?: string | undefined;
  readonly 'stable-workload'?: Target['workload'];
}

/** Lines of the logs of pods in which a pattern is found: at most so many, or at most a share of them. */
export const podLogsCheck = checkKind({
  kind: 'pod-logs',
  schema: z
    .strictObject({
      check: z.literal('pod-logs'),
      ...commonSettings,
      ...rateSettings,
      ...podTargetSettings,
      'stable-workload': podTargetSettings.workload,
      container: z.string(must('the name of a container')).min(1).optional(),
      pattern,
      total: pattern.optional(),
      most: scalar.pipe(wholeNumber(0).schema).optional(),
      'accept-lost': z.boolean(must('true or false')).optional(),
    })
    .superRefine(refuse(problemOf)),
  isStatistical: ({ most }) => most === undefined,
  example: '{check: pod-logs, workload: deployment/checkout, pattern: "(?i)panic|out of memory", most: 0}',
  build(settings, place) {
    const { container, pattern: sought, total, most, window = place.judging.window } = settings;
    const source = (target: Target) =>
      podLogsSource(
        {
          target: podTarget(target),
          container,
          pattern: sought,
          total,
          acceptLost: settings['accept-lost'] ?? false,
        },
        place.cluster(),
      );
    const stable = settings['stable-workload'];
    return {
      source: source(settings),
      rule:
        most === undefined
          ? rateRule(settings, place, { counted: 'lines', failing: 'match' })
          : numberRule({ most, words: 'lines match' }),
      window,
      ...(stable && { reference: { source: source({ workload: stable }) } }),
    };
  },
});

function problemOf(settings: PodLogSettings): string | undefined {
  const { most, total, limit, 'relative-to': relativeTo, 'stable-workload': stable, window: _, ...others } = settings;
  const target = podTargetProblem(settings);
  if (target !== undefined) return target;
  if (relativeTo === 'before') return 'can\'t be "relative-to: before": the logs of pods do not reach back';
  if ((relativeTo === 'stable') !== (stable !== undefined))
    return 'needs "relative-to: stable" and "stable-workload", what it is compared with, together';
  if (most === undefined) return rateProblem(settings);
  if (limit !== undefined || relativeTo !== undefined || total !== undefined)
    return 'has "most", a number of lines, beside what is for a rate: "limit", "relative-to" or "total"';
  const idle = (['tolerance', 'absolute-tolerance', 'burst-size', 'must-detect', 'before'] as const).find(
    (name) => others[name] !== undefined,
  );
  return idle === undefined ? undefined : `"${idle}" has no effect with "most"`;
}

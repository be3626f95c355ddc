import type { Emit, IntervalJudged, RolloutEvent } from '../../canary/events.ts';
import type { Forecast } from '../../canary/observation/forecast.ts';
import type { PodDetails } from '../../canary/ports.ts';
import { count, percent } from '../../core/wording.ts';
import { printStep } from '../../judge/plan-syntax.ts';
import type { Tallies, Tally } from '../../judge/types.ts';
import { sum } from '../../report/canary-report.ts';
import { podTitle, sentenceOf, span } from '../../report/sentences.ts';
import { createLines, levelStyles } from '../../runner/log-lines.ts';
import { type LogOptions, type LogSink, oneLine, type Paint } from '../../runner/log-text.ts';

/** Events that close the group of a step, so that they are visible without opening it. */
const outOfStep = new Set<RolloutEvent['type']>(['holding', 'breach', 'restoring', 'promoting', 'ended', 'failed']);

/** The live log: one line per event, one group per step. Times of day are UTC. */
export function createLog(sink: LogSink, options: LogOptions): Emit {
  const { paint, line, diff, copy } = createLines(sink, options);
  let inStep = false;
  let counted: Tallies = none;
  let promoting = false;
  const told = new Map<string, string>();

  function closeStep(): void {
    if (inStep) sink.endGroup();
    inStep = false;
  }

  function podLines(pod: PodDetails): void {
    sink.startGroup(oneLine(podTitle(pod)));
    for (const text of [...pod.missing, ...pod.lastLines, ...pod.events]) sink.info(oneLine(text));
    sink.endGroup();
  }

  return (event) => {
    if (event.type === 'interval') {
      counted = sum(counted, event.interval);
      const waits = promoting ? 'the promoted pods' : event.waitingFor && waitsFor[event.waitingFor];
      line(event.at, intervalLine(event, counted, waits, paint));
      return;
    }
    if (event.type === 'looked') {
      const { check, state, onBreach, sentence } = event.opinion;
      // What is missing is told by the interval, and a breach that ends the rollout by the breach.
      const isNews = told.get(check) !== state && state !== 'unknown' && (state === 'healthy' || onBreach === 'warn');
      told.set(check, state);
      if (isNews) line(event.at, `${check}: ${sentence}`, levelStyles[state === 'breach' ? 'warning' : 'info']);
      return;
    }
    if (event.type === 'planned') {
      const when = event.later ? ` if all goes well, for ${event.weight} %` : ` for ${event.weight} %`;
      diff(`Would ${event.write.action} ${event.write.object}${when}`, event.write);
      return;
    }
    if (event.type === 'pod-details') {
      closeStep();
      for (const pod of event.details) podLines(pod);
      return;
    }
    if (event.type === 'step-entered') {
      closeStep();
      counted = none;
      sink.startGroup(`Step ${event.index + 1}: ${printStep(event.step)}`);
      inStep = true;
    }
    if (outOfStep.has(event.type)) closeStep();
    if (event.type === 'promoting') promoting = true;
    const { level, text } = sentenceOf(event);
    line(event.at, text, levelStyles[level]);
    if (event.type === 'failed') copy(event.next);
    if (event.type === 'started') {
      for (const [verb, command] of Object.entries(event.commands)) sink.info(`          ${verb.padEnd(8)}${command}`);
    }
    if (event.type === 'preflight' && event.forecast) {
      for (const text of forecastLines(event.forecast)) sink.info(`          ${text}`);
    }
  };
}

const none: Tallies = { stable: { requests: 0, errors: 0 }, canary: { requests: 0, errors: 0 } };

/** ` 25 %  canary 4.8 % of 412 (+60)  stable 0.5 % of 7,830 (+1,140)  ▕██████░░░░▏ error-rate  1m54s left` */
function intervalLine(event: IntervalJudged, step: Tallies, waits: string | undefined, paint: Paint): string {
  const { weight, interval, opinions } = event;
  const deciding = opinions.filter(({ onBreach }) => onBreach !== 'warn');
  const nearest = deciding.toSorted((a, b) => b.progress - a.progress)[0];
  const warnings = opinions.filter(({ onBreach, state }) => onBreach === 'warn' && state === 'breach');
  // Before its first request, the canary has no data, and none is missing.
  const missing = weight === 0 ? [] : opinions.filter((opinion) => opinion.missing !== undefined);
  return [
    paint('cyan', `${weight} %`.padStart(5)),
    armText('canary', step.canary, interval.canary),
    armText('stable', step.stable, interval.stable),
    ...(nearest ? [`${bar(nearest.progress, paint)} ${nearest.check}`] : []),
    ...warnings.map(({ check, sentence }) => paint('yellow', `warning: ${check}: ${oneLine(sentence)}`)),
    ...missing.map(({ check, missing: what }) => paint('yellow', `${check} has no data: ${oneLine(what ?? '')}`)),
    paint('dim', waits === undefined ? `${span(event.timeLeft)} left` : `waiting for ${waits}`),
  ].join('  ');
}

const waitsFor = {
  canary: 'the canary',
  confirmation: 'the data plane',
  requests: 'more requests',
  data: 'data',
  approval: 'approval',
} as const;

/** The arm's error rate in this step, the number of requests, and how many of them are new. */
function armText(arm: string, step: Tally, interval: Tally): string {
  const rate =
    step.requests === 0 ? 'no requests' : `${percent(step.errors / step.requests)} of ${count(step.requests)}`;
  return `${arm} ${rate} (+${count(interval.requests)})`;
}

/** The evidence so far: empty at none, full at a breach. */
function bar(progress: number, paint: Paint): string {
  // Only a breach fills the bar.
  const filled = progress >= 1 ? 10 : Math.min(9, Math.round(Math.max(0, progress) * 10));
  const style = progress >= 1 ? 'red' : progress >= 0.5 ? 'yellow' : 'green';
  return `▕${paint(style, '█'.repeat(filled))}${'░'.repeat(10 - filled)}▏`;
}

function forecastLines({ detects, stableRate, requestsPerSecond, detection, steps }: Forecast): string[] {
  const against = `a canary with ${percent(detects)} errors where stable has ${percent(stableRate)}`;
  if (requestsPerSecond === undefined) return [`Without traffic nothing can be foretold about ${against}.`];
  const found = detection === undefined ? '' : `, and finds it ${percent(detection)} of the time`;
  return [
    `At ${count(requestsPerSecond)} requests a second this plan looks for ${against}${found}:`,
    ...steps.map(({ weight, expectedRequests, neededRequests }) => {
      const expected = expectedRequests === undefined ? 'an unknown number of' : count(expectedRequests);
      const needed = neededRequests === undefined ? '' : `, ${count(neededRequests)} are needed on average`;
      return `${`${weight} %`.padStart(5)}  ${expected} canary requests expected${needed}`;
    }),
  ];
}

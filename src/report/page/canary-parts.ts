import { count, percent } from '../../core/wording.ts';
import type { Report } from '../canary-report-schema.ts';
import { clockTime, podTitle, requests, span } from '../sentences.ts';
import { type Content, details, html, section, table, textLines, timeOf } from './html.ts';
import { foldedText, rateCell, stateOf } from './parts.ts';

const stepStates = {
  running: stateOf('…', 'running', 'wait'),
  passed: stateOf('✓', 'passed', 'good'),
  breach: stateOf('✗', 'breach', 'bad'),
  stopped: stateOf('■', 'stopped', 'wait'),
} as const;

export function stepsTable({ steps, total }: Report): Content {
  const time = (at: number | undefined) => (at === undefined ? '' : timeOf(at, clockTime(at)));
  const rows = steps.map(({ plan, state, enteredAt, observedFrom, endedAt, canary, stable }) => [
    html`<code>${plan}</code>`,
    stepStates[state],
    time(enteredAt),
    time(observedFrom),
    time(endedAt),
    observedFrom === undefined || endedAt === undefined ? '' : span(endedAt - observedFrom),
    rateCell(canary.requests, canary.errors),
    rateCell(stable.requests, stable.errors),
  ]);
  const all = [
    'All',
    ...['', '', '', '', ''],
    rateCell(total.canary.requests, total.canary.errors),
    rateCell(total.stable.requests, total.stable.errors),
  ];
  const head = ['Step', 'State', 'Begun', 'Observed from', 'Ended', 'Observed for', 'Canary failed', 'Stable failed'];
  return table('Steps of the plan (times in UTC)', head, [...rows, all]);
}

export function checksTable({ opinions, breach, run }: Report): Content {
  if (run?.uncounted)
    return html`<p>The pods’ health alone was judged. Not looked at, as requests are not counted (<code>meter: none</code>): errors, latency, and whether the canary got requests at all.</p>`;
  // Shows the opinion that caused the breach, not what was measured after it.
  const others = opinions.filter(({ check }) => check !== breach?.opinion.check);
  const said = breach ? [breach.opinion, ...others] : others;
  if (said.length === 0) return undefined;
  const states = {
    breach: stateOf('✗', 'breach', 'bad'),
    healthy: stateOf('✓', 'healthy', 'good'),
    unknown: stateOf('–', 'no breach', ''),
  };
  const rows = said.map(({ check, state, missing, sentence, onBreach, progress }) => [
    html`<code>${check}</code>`,
    missing === undefined ? states[state] : stateOf('?', 'no data', 'wait'),
    `${count(100 * progress)} %`,
    html`<span class="long">${missing ?? sentence}</span>`,
    onBreach,
  ]);
  return table('The last opinion of each check', ['Check', 'State', 'Of a breach', 'Measured', 'On a breach'], rows);
}

/** The logs and events that were kept of pods that are gone. */
export function podsSection({ pods }: Report): Content {
  if (!pods || pods.length === 0) return undefined;
  return section(
    'Pods in trouble',
    pods.map((pod) => {
      const lines = pod.lastLines.length === 0 ? ['(its log is empty)'] : pod.lastLines;
      return html`<h3>${podTitle(pod)}</h3>
${pod.missing.length > 0 ? pod.missing.map((text) => html`<p>${text}</p>`) : html`<pre>${textLines(lines.join('\n'))}</pre>`}
${pod.events.length > 0 ? html`<ul>${pod.events.map((text) => html`<li>${text}</li>`)}</ul>` : undefined}
`;
    }),
  );
}

/** What a dry run would have written. */
export function writesSection({ writes }: Report): Content {
  if (writes.length === 0) return undefined;
  const folded = (later: boolean) =>
    writes
      .filter((write) => (write.later ?? false) === later)
      .map(({ action, object, weight, diff }) =>
        foldedText(`${action} ${object}${weight === undefined ? '' : ` for ${weight} %`}`, diff),
      );
  const later = folded(true);
  return section('What would be written', [
    html`<h3>For the first step</h3>`,
    ...folded(false),
    ...(later.length === 0 ? [] : [html`<h3>As far as the canary does well</h3>`, ...later]),
    html`<p>Whatever is created for the rollout is removed again at its end.</p>`,
  ]);
}

/** The commands that steer a rollout; only while it is running. */
export function steeringSection({ run, outcome, failure }: Report): Content {
  if (!run || run.dryRun || outcome || failure) return undefined;
  const { abort, approve, freeze } = run.commands;
  const lines = ['# back to stable', abort, '# let a step that holds go on', approve, '# stop here', freeze];
  return section('Steer it', html`<pre>${textLines(lines.join('\n'))}</pre>`);
}

export function forecastPart({ forecast }: Report): Content {
  if (!forecast) return undefined;
  const { detects, stableRate, requestsPerSecond, detection, steps } = forecast;
  const known = (value: number | undefined) => (value === undefined ? 'not known' : count(value));
  const rows = steps.map(({ weight, expectedRequests, neededRequests }) => [
    `${weight} %`,
    known(expectedRequests),
    known(neededRequests),
  ]);
  const traffic =
    requestsPerSecond === undefined ? '' : ` At ${requests(Math.round(requestsPerSecond))} a second in all,`;
  const found = detection === undefined ? '' : ` this plan finds it ${percent(detection)} of the time.`;
  const text = `A canary with ${percent(detects)} errors where stable has ${percent(stableRate)}.${traffic}${found}`;
  const head = ['Weight', 'Canary requests expected', 'needed on average'];
  return section(
    'What the plan can see',
    details('Forecast before the first step', [html`<p>${text}</p>`, table('Forecast for each weight', head, rows)]),
  );
}

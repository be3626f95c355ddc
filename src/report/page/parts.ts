import { count, percent } from '../../core/wording.ts';
import { wilson } from '../../judge/wilson.ts';
import type { NextStep } from '../advice.ts';
import { clockTime, span } from '../sentences.ts';
import { type Content, details, type Html, html, section, table, textLines, timeOf } from './html.ts';

export type Tone = 'good' | 'bad' | 'wait';

interface Headline {
  /** A sign and words: neither colour nor sign is needed to understand it. */
  readonly sign: string;
  readonly title: string;
  readonly tone: Tone;
  readonly subject: Content;
  readonly reason: string;
  readonly facts: readonly (readonly [string, Content] | undefined)[];
}

/** The verdict, its reason, and the facts that are asked for first. */
export function headline({ sign, title, tone, subject, reason, facts }: Headline): Html {
  const told = facts.filter((fact) => fact !== undefined);
  return html`<div class="verdict ${tone}">
<h1><span aria-hidden="true">${sign}</span> ${title}</h1>
${subject}
<p class="reason">${reason}</p>
<dl>${told.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>
</div>
`;
}

/** What a person can do. */
export function nextSection(steps: readonly NextStep[]): Html | undefined {
  if (steps.length === 0) return undefined;
  return section('What to do next', html`<ol>${steps.map((step) => html`<li>${stepContent(step)}</li>\n`)}</ol>`);
}

function stepContent({ pieces, copy }: NextStep): Content {
  const text = pieces.map((piece) => {
    if (typeof piece === 'string') return html`${piece}`;
    if ('code' in piece) return html`<code>${piece.code}</code>`;
    return 'text' in piece ? html`${piece.text}` : html`<strong>${piece.strong}</strong>`;
  });
  return [text, copy === '' ? undefined : html`<pre>${textLines(copy)}</pre>`];
}

export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

export function gapsTable(caption: string, gaps: readonly Gap[]): Html | undefined {
  if (gaps.length === 0) return undefined;
  const rows = gaps.map(({ from, to, reason }) => [
    timeOf(from, clockTime(from)),
    timeOf(to, clockTime(to)),
    span(to - from),
    html`<span class="long">${reason}</span>`,
  ]);
  return table(caption, ['From', 'To', 'For', 'Why'], rows);
}

interface Note {
  readonly at: number;
  readonly level: 'info' | 'good' | 'warning' | 'error';
  readonly text: string;
}

const levels = { info: '', good: '✓ good', warning: '⚠ warning', error: '✗ error' } as const;
const tones = { info: '', good: 'good', warning: 'wait', error: 'bad' } as const;

/** What happened when. */
export function timeline(notes: readonly Note[]): Html | undefined {
  if (notes.length === 0) return undefined;
  const lines = notes.map(
    ({ at, level, text }) =>
      html`<li>${timeOf(at, clockTime(at))} <span class="state ${tones[level]}">${levels[level]}</span> <span>${text}</span></li>\n`,
  );
  // A list without bullets is no list to some screen readers, unless it says so.
  return section('What happened when (UTC)', html`<ol class="times" role="list">${lines}</ol>`);
}

/** `20 of 412 (4.9 %)`, and how sure the rate is. */
export function rateCell(requests: number, bad: number): Content {
  if (requests === 0) return 'no requests';
  const range = wilson({ requests, bad });
  const sure = range && `95 % interval ${percent(range.low)} to ${percent(range.high)}`;
  return html`${count(bad)} of ${count(requests)} (${percent(bad / requests)})<br><span class="quiet">${sure}</span>`;
}

/** A state in words, with a sign before it. */
export function stateOf(sign: string, words: string, tone: Tone | ''): Html {
  return html`<span class="state ${tone}"><span aria-hidden="true">${sign}</span> ${words}</span>`;
}

/** A collapsed text of several lines. */
export function foldedText(summary: string, text: string): Html {
  return details(summary, html`<pre>${textLines(text)}</pre>`);
}

/** From the first to the last moment of a run. */
export function period(from: number, to: number | undefined): Content {
  const begun = html`${timeOf(from, `${new Date(from).toISOString().slice(0, 10)} ${clockTime(from)}`)}`;
  if (to === undefined) return html`${begun} UTC, not over yet`;
  return html`${begun} to ${timeOf(to, clockTime(to))} UTC (${span(to - from)})`;
}

/** A link to a page of the GitHub server, by an address that is known to be one. */
export function link(text: string, address: string): Html {
  return html`<a href="${address}" rel="noreferrer">${text}</a>`;
}

import { excerpt } from '../../core/text.ts';
import { count } from '../../core/wording.ts';
import type { DrillEvent, DrillOutcome } from '../../drills/events.ts';
import type { Aim } from '../../drills/ports.ts';
import { drillSentence } from '../../report/drill/drill-sentences.ts';
import { targetNames } from '../../report/drill/drill-words.ts';
import { clockTime } from '../../report/sentences.ts';
import { createLines, levelStyles } from '../../runner/log-lines.ts';
import { type LogOptions, type LogSink, oneLine, type Style } from '../../runner/log-text.ts';
import { createSuccessTeller } from './success-teller.ts';

/** Lines of what one fault writes; the report has all. */
const MOST_WRITES = 20;

const INDENT = ' '.repeat(10);

/** The live log of a drill. Times of day are UTC. */
export function createLog(sink: LogSink, options: LogOptions): (event: DrillEvent) => void {
  const { line, copy, paint } = createLines(sink, options);
  const success = createSuccessTeller();
  let faults: readonly string[] = [];
  /** What was said last of a thing that is told again and again. */
  const said = new Map<string, string>();
  const isNews = (about: string, text: string) => {
    const isSame = said.get(about) === text;
    said.set(about, text);
    return !isSame;
  };
  /** A line that belongs to the one before it. */
  const below = (text: string, style?: Style) => sink.info(`${INDENT}${paint(style, oneLine(excerpt(text, 1_000)))}`);

  function tell(event: DrillEvent): void {
    const sentence = drillSentence(event, (index) => faults[index] ?? 'a fault of an earlier run');
    if (sentence) line(event.at, sentence.text, levelStyles[sentence.level]);
  }

  return (event) => {
    switch (event.type) {
      case 'started':
        faults = event.faults.map(({ text }) => text);
        success.begin(event.successTarget);
        tell(event);
        if (event.requests !== undefined) below(`measured by ${event.requests}`);
        if (event.targets.length > 0) below(`targets: ${event.targets.join(', ')}`);
        return;
      case 'aimed':
      case 'injecting':
        tell(event);
        return aimLines(event.aim, below);
      case 'steady':
        return steadyLines(event, { isNews, tell, below });
      case 'requests': {
        said.delete(UNKNOWN);
        const told = success.add(event.at, event.tally);
        if (told) line(event.at, told.text, levelStyles[told.level]);
        return;
      }
      case 'no-requests': {
        const text = `Nothing is known of the requests since ${clockTime(event.from)}: ${excerpt(event.reason, 500)}`;
        if (isNews(UNKNOWN, event.reason)) line(event.at, text, levelStyles.warning);
        return;
      }
      case 'measured':
        tell(event);
        for (const { target, state, sentence } of event.outcome.targets) {
          const style = state === 'passed' ? 'green' : state === 'failed' ? levelStyles.error : levelStyles.warning;
          below(`target ${target}: ${targetNames[state]}: ${sentence}`, style);
        }
        return;
      case 'ended':
        tell(event);
        return endLines(event.outcome, below, copy);
      case 'compared':
        tell(event);
        for (const { fault, figure, state, sentence } of event.changes)
          if (state !== 'worse')
            below(`${figure} of ${fault}: ${state === 'unknown' ? 'not known' : state}: ${sentence}`);
        return;
      case 'failed':
        tell(event);
        return copy(event.failure.next);
      default:
        return tell(event);
    }
  };
}

const UNKNOWN = 'requests';

type Below = (text: string, style?: Style) => void;

function aimLines({ writes, warnings }: Omit<Aim, 'mark'>, below: Below): void {
  for (const write of writes.slice(0, MOST_WRITES)) below(write);
  if (writes.length > MOST_WRITES) below(`and ${count(writes.length - MOST_WRITES)} more, which are in the report`);
  for (const warning of warnings) below(warning, levelStyles.warning);
}

type Steady = Extract<DrillEvent, { type: 'steady' }>;

interface SteadyVoice {
  isNews(about: string, text: string): boolean;
  tell(event: DrillEvent): void;
  readonly below: Below;
}

/** The checks once they have ended; after the faults, where they are asked again and again, only what has changed. */
function steadyLines(steady: Steady, { isNews, tell, below }: SteadyVoice): void {
  const { when, event } = steady;
  if (event.type !== 'ended') {
    if (event.type === 'warning' && isNews(`${when} warning`, event.message)) tell(steady);
    return;
  }
  const { verdict, checks } = event.outcome;
  if (!isNews(when, [verdict, ...checks.map(({ check, state }) => `${check} ${state}`)].join('\n'))) return;
  tell(steady);
  for (const { check, state, sentence } of checks) {
    if (when === 'before' || state !== 'passed') below(`${check}: ${state}: ${sentence}`);
  }
}

function endLines({ next, score, advice, left }: DrillOutcome, below: Below, copy: (next: string) => void): void {
  if (score !== undefined) below(`score: ${Math.floor(score)} % of the targets`);
  for (const text of left) below(`left in the cluster: ${text}`, levelStyles.error);
  const [todo = ''] = next.split('\n');
  if (todo.trim() !== '') below(`what to do: ${todo}`);
  copy(next);
  for (const text of advice) below(`what to mend: ${text}`);
}

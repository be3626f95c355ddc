import { formatDuration } from '../../core/duration.ts';
import { excerpt } from '../../core/text.ts';
import { count } from '../../core/wording.ts';
import type { DrillEvent, DrillVerdict, FaultOutcome } from '../../drills/events.ts';
import type { Effect, Moment } from '../../drills/ports.ts';
import { adviceInOneLine } from '../copyable.ts';
import { clockTime, type Sentence } from '../sentences.ts';
import type { ReportedFault } from './drill-report.ts';
import { courseText, podsText, verdictNames } from './drill-words.ts';

/** The most characters of a line. */
const LONGEST = 1_000;

/**
 * The text for an event, on one line: the same in the log and in the report's timeline. Undefined for events that say too little for
 * themselves, such as a single request.
 *
 * @param textOf the fault at an index, in its short form
 */
export function drillSentence(event: DrillEvent, textOf: (index: number) => string): Sentence | undefined {
  const sentence = sentenceOf(event, textOf);
  return sentence && { ...sentence, text: excerpt(sentence.text, LONGEST) };
}

function sentenceOf(event: DrillEvent, textOf: (index: number) => string): Sentence | undefined {
  switch (event.type) {
    case 'started': {
      const number = `${count(event.faults.length)} ${event.faults.length === 1 ? 'fault' : 'faults'}`;
      const texts = event.faults.map(({ text }) => text).join('; ');
      return info(`${event.dryRun ? 'Dry run of a drill' : 'Drill'} of ${event.service}: ${number}: ${texts}`);
    }
    case 'resumed':
      return warning(`Removes what a drill by ${event.by} has left, which began at ${dateTime(event.since)} UTC`);
    case 'warning':
      return warning(event.message);
    case 'aimed':
      return info(`${textOf(event.index)} would hit ${podsText(event.aim)}`);
    case 'ready':
      return info(`Requests can be measured: ${event.evidence}`);
    case 'steady':
      return steadySentence(event);
    case 'injecting':
      return info(`Injects ${textOf(event.index)} into ${podsText(event.aim)}`);
    case 'injected':
      return info(`Injected: ${textOf(event.index)}`);
    case 'felt':
      return feltSentence(textOf(event.index), event.effect);
    case 'moment':
      return momentSentence(event.moment);
    case 'stopped':
      return error(`Stopped: ${event.reason}; removes ${textOf(event.index)} now`);
    case 'removing':
      return info(`Removes ${event.text}`);
    case 'removed':
      return good(`Removed: ${event.text}`);
    case 'not-removed': {
      const { about, problem, next } = event.failure;
      return error(`Not removed: ${event.text}: ${about}: ${problem} ${adviceInOneLine(next)}`);
    }
    case 'measured':
      return measuredSentence(event.outcome);
    case 'pausing':
      return info(`Waits ${formatDuration(event.milliseconds)} before the next fault`);
    case 'ended':
      return endedSentence(event.outcome.verdict, event.outcome.reason);
    case 'compared':
      return comparedSentence(event);
    case 'failed': {
      const { about, problem, next } = event.failure;
      return error(`${about}: ${problem} ${adviceInOneLine(next)}`);
    }
    case 'requests':
    case 'no-requests':
      return undefined;
  }
}

type Steady = Extract<DrillEvent, { type: 'steady' }>;

/** Only the end of a look at the steady state, and what went wrong in it. */
function steadySentence({ when, event }: Steady): Sentence | undefined {
  if (event.type === 'warning') return warning(`Steady state ${when} the faults: ${event.message}`);
  if (event.type !== 'ended') return undefined;
  const { verdict, reason } = event.outcome;
  const text = `Steady state ${when} the faults: ${verdict}: ${reason}`;
  return verdict === 'passed' ? good(text) : warning(text);
}

function feltSentence(text: string, { felt, evidence }: Effect): Sentence {
  switch (felt) {
    case 'felt':
      return info(`Felt: ${text}: ${evidence}`);
    case 'not-felt':
      return warning(`Not felt: ${text}: ${evidence}`);
    case 'unknown':
      return warning(`Not known whether it is felt: ${text}: ${evidence}`);
  }
}

/** A moment with the time at which it happened, as it may be learnt later. */
function momentSentence({ at, kind, state, text }: Moment): Sentence {
  const told = `${kind} ${state} at ${clockTime(at)}: ${text}`;
  return state === 'firing' || state === 'missing' ? warning(told) : info(told);
}

function measuredSentence(outcome: FaultOutcome): Sentence {
  const fault = reportedOutcome(outcome);
  const text = `${fault.text}: ${courseText(fault)}`;
  const isMet = fault.targets.every(({ state }) => state === 'passed');
  return isMet && fault.measured?.recovery && fault.effect?.felt === 'felt' ? good(text) : warning(text);
}

/** What the report keeps of an outcome. */
export function reportedOutcome(outcome: FaultOutcome): ReportedFault {
  const { fault, effect, injectedAt, removedAt, measured, targets } = outcome;
  const { kind, text, lasts, endedBy } = fault;
  return {
    ...{ kind, text, lasts, endedBy, effect, injectedAt, removedAt, targets },
    ...(measured && { measured }),
  };
}

function endedSentence(verdict: DrillVerdict | undefined, reason: string): Sentence {
  if (verdict === undefined) return info(`Ended: ${reason}`);
  const text = `${verdictNames[verdict].toUpperCase()}: ${reason}`;
  if (verdict === 'resilient') return good(text);
  return verdict === 'not-resilient' ? error(text) : warning(text);
}

function comparedSentence({ earlier, changes }: Extract<DrillEvent, { type: 'compared' }>): Sentence {
  if (earlier === 0) return info('There is no earlier run to compare with');
  const runs = `${count(earlier)} earlier ${earlier === 1 ? 'run' : 'runs'}`;
  const worse = changes.filter(({ state }) => state === 'worse');
  if (worse.length === 0) return info(`Compared with ${runs}: no figure is worse beyond their noise`);
  const told = worse.map(({ fault, figure, sentence }) => `${figure} of ${fault}: ${sentence}`);
  return warning(`Worse than in ${runs}: ${told.join('; ')}`);
}

function dateTime(at: number): string {
  return `${new Date(at).toISOString().slice(0, 10)} ${clockTime(at)}`;
}

function info(text: string): Sentence {
  return { level: 'info', text };
}

function good(text: string): Sentence {
  return { level: 'good', text };
}

function warning(text: string): Sentence {
  return { level: 'warning', text };
}

function error(text: string): Sentence {
  return { level: 'error', text };
}

import { formatDuration, parseDuration } from '../core/duration.ts';
import { SluiceError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { Plan, Step } from './plan.ts';

const words = ['for', 'to', 'early', 'then', 'hold'];
const stepPattern = /^(\S+)(?: for (\S+)(?: to (\S+))?( early)?)?( (?:then )?hold)?$/;

/** A number and its unit with a space between: `2 minutes` becomes `2minutes`. */
const unitApart = /(\d) (ms|[hms]|(?:hour|hr|minute|min|second|sec)s?)\b/g;
/** The duration at the beginning of `5min` or `30sec`. */
const durationAtStart = /^\d+(?:\.\d+)?(?:ms|[hms])/;

/** The defaults of a correction, used if the line has no usable value. */
const usualTime = 5 * 60_000;
const usualPlan: Plan = {
  steps: [5, 25, 50, 100].map((weight) => {
    const time = weight < 100 ? usualTime : 0;
    return { weight, least: time, most: time, early: false, hold: false };
  }),
};
/** The longest time of a job on a self-hosted runner. */
const longestStep = 5 * 24 * 3_600_000;

/** A sound plan, and the problems that had to be corrected; none if the line was right. */
export interface PlanReading {
  readonly plan: Plan;
  readonly problems: readonly string[];
}

/**
 * Reads the line form of a plan, which is described at `Plan`.
 *
 * @throws SluiceError `invalid-input` with everything that is wrong and the corrected line.
 */
export function parsePlan(line: string, about = 'input "steps"'): Plan {
  const reading = readPlan(line);
  if (reading.problems.length > 0) throw refusePlan(about, reading);
  return reading.plan;
}

/** Prints the line that `parsePlan` reads as the same plan. */
export function printPlan({ steps }: Plan): string {
  return steps.map(printStep).join(', ');
}

/** Prints one step of a plan: `25 for 2m to 10m then hold`. */
export function printStep({ weight, least, most, early, hold }: Step): string {
  if (most === 0) return hold ? `${weight} hold` : `${weight}`;
  const range = early && least > 0 ? `${formatDuration(least)} to ${formatDuration(most)}` : formatDuration(most);
  return `${weight} for ${range}${early && least === 0 ? ' early' : ''}${hold ? ' then hold' : ''}`;
}

export function refusePlan(about: string, { plan, problems }: PlanReading): SluiceError {
  return new SluiceError('invalid-input', {
    about,
    problem: `is not a plan that can be right: ${problems.join('; ')}.`,
    next: `Copy this instead: steps: "${printPlan(plan)}"`,
  });
}

/** The most characters of a plan. */
const LONGEST = 20_000;

/** Reads a line and corrects what is wrong in it. Never throws. */
export function readPlan(line: string): PlanReading {
  const problems: string[] = [];
  if (line.length > LONGEST) {
    return { plan: usualPlan, problems: [`it has ${line.length.toLocaleString('en')} characters, which is no plan`] };
  }
  if (line.trim() === '') return { plan: usualPlan, problems: ['it has no steps'] };
  const steps = line
    .trim()
    .split(',')
    .flatMap(linesOf)
    .flatMap((text) => readStep(text.replaceAll(/\s+/g, ' '), problems) ?? []);
  return { plan: { steps: ordered(steps, problems) }, problems };
}

/** The lines between two commas; if there are none, an empty one for the empty step. */
function linesOf(text: string): string[] {
  const lines = text.split('\n').map((line) => line.trim());
  const written = lines.filter((line) => line !== '');
  return written.length === 0 ? [''] : written;
}

function readStep(text: string, problems: string[]): Step | undefined {
  const complain = (problem: string) => problems.push(`step "${text}": ${problem}`);
  if (text === '') {
    problems.push('there is an empty step');
    return undefined;
  }
  const match = stepPattern.exec(text) ?? undefined;
  if (!match) complain(whatIsUnknown(text) ?? 'its words are not in the order "25 for 2m to 10m then hold"');
  const parts = match
    ? { weight: match[1], first: match[2], second: match[3], early: !!match[4], hold: !!match[5] }
    : partsInAnyOrder(text);

  const weight = readWeight(parts.weight ?? '', complain);
  if (weight === undefined) return undefined;
  const { least, most, early } = readTimes(parts, complain);
  if (most === 0 && !parts.hold && weight < 100) {
    complain('has no time; only 100 needs none');
    return { weight, least: usualTime, most: usualTime, early: false, hold: false };
  }
  return { weight, least, most, early, hold: parts.hold };
}

interface StepParts {
  readonly weight: string | undefined;
  readonly first: string | undefined;
  readonly second: string | undefined;
  readonly early: boolean;
  readonly hold: boolean;
}

function whatIsUnknown(text: string): string | undefined {
  const unknown = text.split(' ').find((word) => !words.includes(word) && !/^[\d.]/.test(word));
  if (unknown === undefined) return undefined;
  const meant = nearest(unknown, words);
  return `"${unknown}" is none of the words ${words.join(', ')}${meant ? `; "${meant}" is near` : ''}`;
}

/**
 * The most likely meaning of a step whose words are in the wrong order: the first number without a unit is the weight, times
 * stay in their order, words are replaced by the nearest known ones.
 */
function partsInAnyOrder(text: string): StepParts {
  const given = text.replaceAll(unitApart, '$1$2').split(' ');
  const numbers = given.filter((word) => /^[\d.]/.test(word));
  const weight = numbers.find((word) => /^[\d.]+%?$/.test(word));
  const [first, second] = numbers.filter((_, index) => index !== numbers.indexOf(weight ?? ''));
  const meant = new Set(given.map((word) => nearest(word, words)));
  return { weight, first, second, early: meant.has('early'), hold: meant.has('hold') };
}

function readWeight(text: string, complain: (problem: string) => void): number | undefined {
  const number = Number.parseFloat(text);
  const whole = Math.min(Math.ceil(number), 100);
  if (!/^\d+(\.\d+)?%?$/.test(text)) complain(`"${text}" is not a weight, which is a whole number from 1 to 100`);
  else if (number === 0) complain('a weight of 0 sends nothing to the canary');
  else if (number > 100) complain('a weight is at most 100');
  else if (number !== whole) complain('a weight is a whole number');
  return whole > 0 ? whole : undefined;
}

function readTimes(parts: StepParts, complain: (problem: string) => void): Pick<Step, 'least' | 'most' | 'early'> {
  const first = parts.first === undefined ? undefined : readTime(parts.first, complain);
  const second = parts.second === undefined ? undefined : readTime(parts.second, complain);
  if (first === undefined) return { least: 0, most: 0, early: false };
  if (second === undefined) {
    if (first === 0) complain('0 is no time to observe');
    const most = first === 0 ? usualTime : first;
    return parts.early ? { least: 0, most, early: true } : { least: most, most, early: false };
  }
  if (first < second) return { least: first, most: second, early: true };
  complain(`the least time (${parts.first}) must be shorter than the most (${parts.second})`);
  const [least, most] = [second, first === 0 ? usualTime : first];
  return { least, most, early: least < most };
}

function readTime(text: string, complain: (problem: string) => void): number {
  const time = parseDuration(text);
  if (time !== undefined && time <= longestStep) return time;
  if (time !== undefined) {
    complain(`${text} is longer than the five days that a job can last`);
    return longestStep;
  }
  if (/^\d+(\.\d+)?$/.test(text)) {
    complain(`"${text}" has no unit (h, m, s or ms)`);
    return readTime(`${text}s`, complain);
  }
  complain(`"${text}" is not a time such as 90s, 5m or 1h30m`);
  const start = durationAtStart.exec(text)?.[0];
  return start === undefined ? usualTime : readTime(start, complain);
}

/**
 * At 100 the stable version gets no requests, so the canary is compared with the stable counts of earlier steps. Without an
 * earlier observed step, a good canary ends without data, and a bad one has all users for as long as the step lasts.
 */
function nothingToCompareWith(step: Step): string {
  return (
    `step "${printStep(step)}" is the first to be observed, and at 100 % the stable version gets no requests ` +
    'that the canary could be compared with: a step below 100 has to be observed before it'
  );
}

/** The same steps, rising strictly and ending at 100. */
function ordered(steps: readonly Step[], problems: string[]): Step[] {
  steps.forEach(({ weight }, index) => {
    const before = steps[index - 1];
    if (before && weight === before.weight) problems.push(`weights must rise, and ${weight} comes twice`);
    if (before && weight < before.weight)
      problems.push(`weights must rise, and ${weight} comes after ${before.weight}`);
  });
  const last = steps.at(-1);
  if (last && last.weight !== 100) problems.push(`the last step is 100 and not ${last.weight}`);
  const rising = steps
    .toSorted((a, b) => a.weight - b.weight)
    .filter(({ weight }, index, sorted) => weight !== sorted[index - 1]?.weight);
  const observed = rising.find(({ most, hold }) => most > 0 || hold);
  if (observed?.weight === 100) problems.push(nothingToCompareWith(observed));
  // No correction sends all traffic at once.
  if (problems.length > 0 && rising.every(({ weight }) => weight === 100)) return [...usualPlan.steps];
  if (rising.at(-1)?.weight === 100) return rising;
  return [...rising, { weight: 100, least: 0, most: 0, early: false, hold: false }];
}

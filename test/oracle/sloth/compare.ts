import { formatDuration } from '../../../src/core/duration.ts';
import type { Look, RuleFinding } from '../../../src/judge/looks/look.ts';
import { LEAST_STALE } from '../../../src/meters/prometheus/answers.ts';
import { type GeneratedCase, pairs } from './series.ts';
import type { Evaluated } from './server.ts';

export type Severity = keyof typeof pairs;

export interface Comparison {
  readonly name: string;
  /** Both say that the budget burns too fast, or that it does not; the gate knows less, as it has to; or they contradict each other. */
  readonly result: 'firing' | 'quiet' | 'undecided' | 'different';
  /** A burn rate is within 2 % of its limit. */
  readonly isNear: boolean;
  /** What the gate lacks, or how they differ. */
  readonly why?: string;
}

interface Compared {
  readonly name: string;
  readonly severity: Severity;
  readonly case: GeneratedCase;
  readonly budget: number;
  /** What Sloth's rules say. */
  readonly evaluated: Evaluated;
  /** What the gate says. */
  readonly look: Look;
  readonly state: RuleFinding['state'];
}

/**
 * Compares an alert of Sloth with the gate. They ask for the same rates, so they have to agree to the last digits that floating point
 * has. Where the gate is undecided, an alert of Sloth is silent for want of data or goes by old data; each reason of the gate is
 * looked up in what Sloth recorded.
 */
export function compare(compared: Compared): Comparison {
  const { name, severity, budget, evaluated, look, state } = compared;
  const burns = pairs[severity].flatMap(({ short, long, above }) =>
    [short, long].map((length) => ({ length, of: shareOver(evaluated, length) / (above * budget) })),
  );
  const isNear = burns.some(({ of }) => Math.abs(of - 1) < 0.02);
  const isFiring = evaluated.isFiring[severity];
  const different = (why: string): Comparison => ({ name, result: 'different', isNear, why });
  if (look.kind === 'missing') {
    const problem = state === 'unknown' ? unlikeSloth(look.reason, compared) : `the state is ${state}`;
    return problem ? different(`${look.reason}: ${problem}`) : { name, result: 'undecided', isNear, why: look.reason };
  }
  if (look.kind !== 'sightings') return different(`the answer is ${look.kind}`);
  const wrong = look.sightings.map(({ text }) => wrongFigure(text, compared)).find((problem) => problem !== undefined);
  if (wrong !== undefined) return different(wrong);
  const isBreach = state === 'breach';
  const said = isBreach ? 'firing' : 'quiet';
  if (isBreach === isFiring && state !== 'unknown') return { name, result: said, isNear };
  const isRounding = burns.some(({ of }) => Math.abs(of - 1) < 1e-9);
  return isRounding
    ? { name, result: said, isNear, why: 'equal to the limit but for rounding' }
    : different(`the gate is ${state}, Sloth's alert ${isFiring ? 'fires' : 'is silent'}: ${JSON.stringify(burns)}`);
}

function shareOver({ shares }: Evaluated, length: number): number {
  const name = { 24: '1d', 72: '3d' }[length / 3_600_000] ?? formatDuration(length);
  return shares.get(name) ?? Number.NaN;
}

/** Cases whose total is counted at every time, so that the gate has to decide. */
const complete: readonly string[] = ['near a limit', 'burst', 'restarts', 'late errors', 'no errors'];

/** Why the gate should have decided; undefined where it was right not to. */
function unlikeSloth(reason: string, { severity, case: generated, evaluated }: Compared): string | undefined {
  if (complete.includes(generated.kind)) return 'everything was counted';
  const { at, shares } = evaluated;
  const isFiring = evaluated.isFiring[severity];
  const age = at - newestBefore(generated, at);
  if (reason.includes('was last measured') || reason.endsWith('has no series'))
    // An alert of Sloth goes by what it has as long as its windows have two samples.
    return age > LEAST_STALE ? undefined : `it was last measured ${age} ms before`;
  const [, kind, over = ''] = /(was not counted twice|counted nothing) in the last (\S+)$/.exec(reason) ?? [];
  const length = pairs[severity]
    .flatMap(({ short, long }) => [short, long])
    .find((one) => formatDuration(one) === over);
  if (kind === undefined || length === undefined) return 'there is no such reason';
  const share = shareOver(evaluated, length);
  const hasShare = Number.isFinite(share);
  if (hasShare) return `Sloth recorded ${share}`;
  // Events that failed without any that were counted: infinity for Sloth, a contradiction for the gate.
  const isInfinite = [...shares.values()].includes(Number.POSITIVE_INFINITY);
  return isFiring && !isInfinite ? 'the alert of Sloth fires' : undefined;
}

function newestBefore({ series }: GeneratedCase, at: number): number {
  const totals = series.filter(({ name }) => name === 'requests_total');
  return Math.max(
    ...totals.map(({ samples }) => samples.findLast(([time]) => time <= at)?.[0] ?? Number.NEGATIVE_INFINITY),
  );
}

/** A burn rate that the gate shows and that is not what Sloth recorded, to the digits that are shown. */
function wrongFigure(text: string, { severity, budget, evaluated }: Compared): string | undefined {
  const shown = [...text.matchAll(/([\d.,e+]+) over (\w+)/g)];
  if (shown.length !== 2) return `no burn rates in "${text}"`;
  const lengths = pairs[severity].flatMap(({ short, long }) => [short, long]);
  const wrong = shown.find(([, rate = '', over]) => {
    const length = lengths.find((one) => formatDuration(one) === over) ?? 0;
    const expected = shareOver(evaluated, length) / budget;
    return !(Math.abs(Number(rate.replaceAll(',', '')) / expected - 1) < 6e-4);
  });
  return wrong && `Sloth recorded another share: ${text}`;
}

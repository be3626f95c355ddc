import type { MeterReadiness } from '../../canary/ports.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Reading } from '../../judge/readings.ts';

/** A count at an instant; times are milliseconds since the epoch. */
export interface Point {
  readonly at: number;
  readonly value: number;
}

/** The measurements of one counter, oldest first. */
export type History = readonly Point[];

/** The growth of a counter between its first and last measurement; a decrease is a reset to zero. */
function gain(history: History): number {
  return history.reduce((sum, { value }, index) => {
    const before = history[index - 1]?.value;
    if (before === undefined || !Number.isFinite(value - before)) return sum;
    return sum + (value >= before ? value - before : value);
  }, 0);
}

/** Requests per second of all counters together; undefined if none was measured twice. */
export function requestRate(histories: readonly History[]): number | undefined {
  const rates = histories.flatMap((history) => {
    const [first, last] = [history.at(0), history.at(-1)];
    return first && last && last.at > first.at ? [gain(history) / ((last.at - first.at) / 1_000)] : [];
  });
  return rates.length === 0 ? undefined : rates.reduce((sum, rate) => sum + rate, 0);
}

/** The usual time between two measurements, in milliseconds: the median. */
export function usualInterval(histories: readonly History[]): number | undefined {
  const gaps = histories
    .flatMap((history) => history.slice(1).map(({ at }, index) => at - (history[index]?.at ?? at)))
    .toSorted((a, b) => a - b);
  return gaps[Math.floor(gaps.length / 2)];
}

/** Describes the traffic that was found. */
export function readiness(
  source: string,
  histories: { readonly stable: readonly History[]; readonly canary: readonly History[] },
  notes: readonly string[],
): MeterReadiness {
  const stable = requestRate(histories.stable);
  const traffic = stable !== undefined && stable > 0;
  const requestsPerSecond = requestRate([...histories.stable, ...histories.canary]);
  const growth = traffic
    ? `${rounded(requestsPerSecond ?? 0)} requests a second`
    : 'no traffic: its counters do not grow';
  const evidence = [`${source}: ${histories.stable.length} series of the stable arm, ${growth}`, ...notes].join('; ');
  return { traffic, requestsPerSecond, evidence };
}

function rounded(rate: number): string {
  return rate >= 10 ? Math.round(rate).toLocaleString('en-US') : String(Number(rate.toPrecision(2)));
}

/**
 * Guards the first reading, from which everything is counted: it must include the stable arm. Otherwise the next reading would
 * count the stable arm's whole past as new.
 */
export function createBaselineGuard(about: string): (reading: Reading) => Reading {
  let seen = false;
  return (reading) => {
    if (reading.stable.length === 0 && !(seen && reading.canary.length > 0)) {
      throw new SluiceError('bad-query', {
        about,
        problem: `shows no counters of ${seen ? 'either arm' : 'the stable arm'} at the moment.${(reading.warnings ?? []).map((warning) => ` ${warning}`).join('')}`,
        next: 'Check that the metrics are still collected.',
      });
    }
    seen = true;
    return reading;
  };
}

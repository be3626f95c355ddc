import type { Sent } from '../../../lab/cluster/load.ts';
import { isLost } from '../../e2e/cluster/traffic.ts';

/** What a client of the shop saw, in the words of the table. */
export interface Seen {
  readonly canary: number;
  readonly bad: number;
  readonly lost: number;
  readonly seconds: number;
  readonly p99: number;
}

export function isCanary({ version }: Sent): boolean {
  return version === 'v2';
}

export function isBad({ status }: Sent): boolean {
  return status >= 500;
}

/** @param crashedAt when the canary's pods were made to crash: from then on a lost request was sent to it */
export function seen(sent: readonly Sent[], crashedAt: number | undefined): Seen {
  const canary = sent.filter(isCanary);
  const lost = sent.filter(isLost);
  const after = crashedAt === undefined ? [] : [...canary, ...lost].filter(({ at }) => at > crashedAt);
  const times = (crashedAt === undefined ? canary : after).map(({ at }) => at);
  const from = crashedAt ?? earliest(times);
  return {
    canary: canary.length,
    bad: canary.filter(isBad).length,
    lost: lost.length,
    seconds: times.length === 0 ? 0 : (latest(times) - from) / 1_000,
    p99: percentile99(sent.filter(({ version }) => version === 'v1').map(({ milliseconds }) => milliseconds)),
  };
}

/** Not by `Math.min(...)`: a run has more requests than a call may have arguments. */
function earliest(times: readonly number[]): number {
  return times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
}

export function latest(times: readonly number[]): number {
  return times.reduce((most, time) => Math.max(most, time), Number.NEGATIVE_INFINITY);
}

function percentile99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.floor(sorted.length * 0.99)] ?? 0) * 10) / 10;
}

/** `4.8 %`, `0.013 %`, `100 %` for a rate as a fraction: two significant figures, three from 10 % on. */
export function percent(rate: number): string {
  const value = rate * 100;
  return `${Number(value.toPrecision(value < 9.95 ? 2 : 3))} %`;
}

/** `7,830` */
export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** `0.42`, `1,204`: a measured value to four significant figures. */
export function figure(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
}

/** `300ms`, `2.5s` for a duration in seconds. */
export function duration(seconds: number): string {
  return seconds < 1 ? `${figure(seconds * 1000)}ms` : `${figure(seconds)}s`;
}

/** `5.2 of 4.6 (1 false alarm in 100)` for evidence in nats against its limit. */
export function evidenceOf(evidence: number, limit: number): string {
  return `${Math.max(0, evidence).toFixed(1)} of ${limit.toFixed(1)} (1 false alarm in ${count(Math.exp(limit))})`;
}

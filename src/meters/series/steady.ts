import { SluiceError } from '../../core/errors.ts';
import type { History } from './readiness.ts';

/** The measurements of a counter before the rollout. */
export interface Watched {
  /** The name of the metric. */
  readonly name: string;
  /** The process that counts. */
  readonly instance: string;
  readonly history: History;
  /** The start times of the process, several if it has restarted; milliseconds since the epoch. */
  readonly starts: readonly number[];
}

/** From this many falls without a restart, the values are not counters; a single fall may be an unreported restart. */
const TOO_MANY_FALLS = 2;
/** Milliseconds by which the clocks of start times and measurements may differ. */
const CLOCK_SKEW = 30_000;

const waysOut =
  'Where several worker processes answer for one endpoint, use the multiprocess mode of the Prometheus client library, one worker per container, or the metrics of the gateway.';

/**
 * Refuses values that are no counters: values that fall repeatedly although the process did not restart; fractions that fall
 * once; and values of recording rules (only their names have a colon) that fall once or are fractions. Fractions alone prove
 * nothing: OpenTelemetry and StatsD exporters write counters as floats, and weighted ones are fractions. For recording rules
 * they do: a value recorded from counts of requests is whole unless it was divided by a time.
 * https://prometheus.io/docs/practices/rules/#naming
 *
 * @throws SluiceError `bad-query`
 */
export function requireSteady(watched: readonly Watched[]): void {
  for (const { name, instance, history, starts } of watched) {
    const falls = fallsOf(history, starts);
    const isFraction = history.some(({ value }) => Number.isFinite(value) && !Number.isInteger(value));
    const why =
      falls.length > 0
        ? 'its values fall'
        : isFraction
          ? 'its values are no whole numbers'
          : 'its name is that of a rate';
    const shown = history
      .slice(-6)
      .map(({ value }) => Number(value.toPrecision(6)))
      .join(', ');
    const of = instance === '' ? '' : ` of ${instance}`;
    if (isNamedAsRate(name) || (isRecorded(name) ? falls.length > 0 || isFraction : isFraction && falls.length > 0)) {
      throw new SluiceError('bad-query', {
        about: `metric ${name}${of}`,
        problem: `is no counter: ${why} (${shown}). A recorded rate or a gauge can't be counted.`,
        next: 'Give the counters that it is made from.',
      });
    }
    if (falls.length >= TOO_MANY_FALLS) {
      throw new SluiceError('bad-query', {
        about: `metric ${name}${of}`,
        problem: `is no counter: its values fall again and again (${shown}), and no restart of the process is known.`,
        next: waysOut,
      });
    }
  }
}

/** Names of recording rules have a colon, which metrics of applications must not have. */
function isRecorded(name: string): boolean {
  return name.includes(':');
}

const operations =
  /^(burn)?i?rate(\d.*)?$|^(i?delta|deriv|increase|ratio|avg|mean|quantile|percent(age)?)(\d.*)?$|^p\d{2,3}$/;

/**
 * Whether the name is that of a rate: `job:http_requests:rate5m`, `slo:sli_error:ratio_rate1h`, or without colons
 * `http_requests_rate1m`. The word alone, as in `rate_limited_requests_total`, proves nothing.
 */
export function isNamedAsRate(name: string): boolean {
  const words = name.split(/[:_]/);
  if (words.some((word) => /^i?rate\d+(ms|s|m|h|d|w)$/i.test(word))) return true;
  return isRecorded(name) && (name.split(':').at(-1) ?? '').split('_').some((word) => operations.test(word));
}

/** The times at which a counter was lower than before without a start that explains it. */
function fallsOf(history: History, starts: readonly number[]): number[] {
  return history.flatMap(({ at, value }, index) => {
    const before = history[index - 1];
    if (!before || !(value < before.value)) return [];
    return starts.some((start) => start > before.at - CLOCK_SKEW && start < at + CLOCK_SKEW) ? [] : [at];
  });
}

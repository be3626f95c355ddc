/**
 * Judges histories of gauge metrics like Kayenta's NetflixACAJudge with its defaults, for teams that bring a canary
 * configuration. Written after its description in https://github.com/spinnaker/kayenta (kayenta-judge, kayenta-mannwhitney;
 * commit a69573b) and R's wilcox.test.
 */

/**
 * The history of one metric in both arms: one number a sample, NaN for a sample without an answer. With an infinite sample, the
 * metric has no data: a division by zero in its source, or a rank of it, tells nothing of either arm.
 */
export interface History {
  readonly name: string;
  /** Kayenta's "experiment". */
  readonly canary: readonly number[];
  /** Kayenta's "control" or "baseline". */
  readonly stable: readonly number[];
  /** Groups of metrics that are scored together. */
  readonly groups: readonly string[];
  /** The direction that is bad. Default `either`. */
  readonly direction?: 'increase' | 'decrease' | 'either';
  /**
   * Whether a missing sample is left out, or is a zero (a counter of errors that has no series without errors). Default
   * `remove`.
   */
  readonly nanStrategy?: 'remove' | 'replace';
  /** Failing this metric fails the canary. Default false. */
  readonly critical?: boolean;
  /** Whether a metric without data fails, instead of having no result. Default false. */
  readonly mustHaveData?: boolean;
  /** From this ratio of the means on (canary over stable; for a decrease down from it) a difference counts. Default 1. */
  readonly allowedIncrease?: number;
  readonly allowedDecrease?: number;
  /** The same ratios for a critical metric to fail the canary. Default 1. */
  readonly criticalIncrease?: number;
  readonly criticalDecrease?: number;
}

type Classification = 'Pass' | 'High' | 'Low' | 'Nodata' | 'NodataFailMetric';

export interface ClassifiedMetric {
  readonly name: string;
  readonly groups: readonly string[];
  readonly classification: Classification;
  readonly critical: boolean;
  /** Ratio of the means, canary over stable; NaN if one of them is 0. */
  readonly deviation: number;
}

export interface KayentaScore {
  /** 0 to 100, rounded to two decimals. */
  readonly score: number;
  readonly classification: 'Pass' | 'Marginal' | 'Fail';
  /** Why the score is 0, whatever the scores of the groups. */
  readonly reason: string | undefined;
  readonly groups: readonly { readonly name: string; readonly score: number; readonly noData: boolean }[];
  readonly metrics: readonly ClassifiedMetric[];
}

export interface ScoreOptions {
  /** Per cent of the score that each group contributes; the other groups share the rest to 100 equally. */
  readonly groupWeights: Readonly<Record<string, number>>;
  /** The least score that passes, and the least that is marginal. */
  readonly pass: number;
  readonly marginal: number;
}

/** The confidence interval must keep a distance from zero of this part of the estimated difference. */
const TOLERANCE = 0.25;
/** Standard normal quantile at 1 − (1 − 0.98) / 2. */
const QUANTILE = 2.3263478740408408;
/** Beyond this value, the difference of two samples, or of two differences, is infinite. */
const LARGEST = Number.MAX_VALUE / 4;
/** From this percentage of metrics without data on, the canary fails. */
const TOO_MANY_WITHOUT_DATA = 50;

/** Classifies all metrics and scores them: the mean of the groups' passing shares, by weight. */
export function judgeHistories(histories: readonly History[], options: ScoreOptions): KayentaScore {
  const metrics = histories.map(classify);
  const groups = [...new Set(metrics.flatMap((metric) => metric.groups))].map((name) => {
    const labels = metrics.filter((metric) => metric.groups.includes(name)).map((metric) => metric.classification);
    const judged = labels.filter((label) => label !== 'Nodata');
    const passed = judged.filter((label) => label === 'Pass').length;
    return { name, score: judged.length > 0 ? (100 * passed) / judged.length : 0, noData: judged.length === 0 };
  });
  const reason = failure(metrics);
  const score = reason === undefined ? weightedScore(groups, options.groupWeights) : 0;
  const classification = score >= options.pass ? 'Pass' : score >= options.marginal ? 'Marginal' : 'Fail';
  return { score, classification, reason, groups, metrics };
}

/** Why the score is 0: a failed critical metric, or too many metrics without data. */
function failure(metrics: readonly ClassifiedMetric[]): string | undefined {
  const critical = metrics.find((metric) => metric.critical && metric.classification !== 'Pass');
  if (critical) return `${critical.name} is critical and was classified as ${critical.classification}`;
  const without = metrics.filter(({ classification }) => classification === 'Nodata').length;
  if ((100 * without) / metrics.length >= TOO_MANY_WITHOUT_DATA)
    return `${without} of ${metrics.length} metrics have no data`;
  return undefined;
}

function weightedScore(groups: KayentaScore['groups'], weights: Readonly<Record<string, number>>): number {
  const given = Object.values(weights).reduce((total, weight) => total + weight, 0);
  const unnamed = groups.filter(({ name }) => weights[name] === undefined).length;
  const score = groups.reduce((total, group) => {
    const weight = weights[group.name] ?? (100 - given) / unnamed;
    return total + ((group.noData ? 100 : group.score) * weight) / 100;
  }, 0);
  return Math.round(score * 100) / 100;
}

/** Pass, High or Low for one metric, by the confidence interval of the difference between the arms. */
export function classify(history: History): ClassifiedMetric {
  const { name, groups, direction = 'either', nanStrategy = 'remove', critical = false } = history;
  const canary = withoutNaN(history.canary, nanStrategy);
  const stable = withoutNaN(history.stable, nanStrategy);
  const label = (classification: Classification, deviation = 1, fails = false): ClassifiedMetric => {
    return { name, groups, classification, critical: fails, deviation };
  };

  const isUsable = [...canary, ...stable].every((value) => Math.abs(value) <= LARGEST);
  if (canary.length === 0 || stable.length === 0 || !isUsable) {
    if (nanStrategy === 'replace' && isUsable) return label('Pass');
    return history.mustHaveData && !critical ? label('NodataFailMetric') : label('Nodata', 1, critical);
  }
  if (sameValues(canary, stable)) return label('Pass');

  const { low, high, estimate } = difference(canary, stable);
  const effect = meanRatio(canary, stable);
  // With a mean of 0 there is no ratio, so the difference alone decides.
  const up = (least: number) => Number.isNaN(effect) || effect >= least;
  const down = (most: number) => Number.isNaN(effect) || effect <= most;
  const margin = TOLERANCE * Math.abs(estimate);
  if (direction !== 'decrease' && low > margin && up(history.allowedIncrease ?? 1)) {
    return label('High', effect, critical && up(history.criticalIncrease ?? 1));
  }
  if (direction !== 'increase' && high < -margin && down(history.allowedDecrease ?? 1)) {
    return label('Low', effect, critical && down(history.criticalDecrease ?? 1));
  }
  return label('Pass', effect);
}

function withoutNaN(values: readonly number[], strategy: 'remove' | 'replace'): number[] {
  return strategy === 'remove'
    ? values.filter((value) => !Number.isNaN(value))
    : values.map((value) => (Number.isNaN(value) ? 0 : value));
}

function sameValues(a: readonly number[], b: readonly number[]): boolean {
  const sorted = b.toSorted((x, y) => x - y);
  return a.length === b.length && a.toSorted((x, y) => x - y).every((value, i) => value === sorted[i]);
}

function meanRatio(canary: readonly number[], stable: readonly number[]): number {
  const ratio = mean(canary) / mean(stable);
  return ratio === 0 || !Number.isFinite(ratio) ? Number.NaN : ratio;
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

export interface LocationShift {
  readonly low: number;
  readonly high: number;
  /** The Hodges–Lehmann estimate. */
  readonly estimate: number;
}

/**
 * Two arms without variation differ by exactly their difference. (Kayenta adds random noise of 1e-5 of the value instead, so
 * that the ranks are not all tied.)
 */
function difference(canary: readonly number[], stable: readonly number[]): LocationShift {
  const [x = 0] = canary;
  const [y = 0] = stable;
  const constant = canary.every((value) => value === x) && stable.every((value) => value === y);
  return constant ? { low: x - y, high: x - y, estimate: x - y } : mannWhitney(canary, stable, QUANTILE);
}

/**
 * Confidence interval and estimate of the shift of `x` against `y`: the shifts at which the normal approximation of the
 * Mann–Whitney statistic, with corrections for ties and continuity, passes the given standard normal quantile, and 0
 * (Hodges and Lehmann 1963; Bauer 1972; as R's wilcox.test(conf.int = TRUE, exact = FALSE), which solves it to 1e-4 and so
 * does Kayenta). All are NaN if the samples are too far apart for a shift.
 */
export function mannWhitney(x: readonly number[], y: readonly number[], quantile: number): LocationShift {
  const least = Math.min(...x) - Math.max(...y);
  const most = Math.max(...x) - Math.min(...y);
  if (!Number.isFinite(most - least)) return { low: Number.NaN, high: Number.NaN, estimate: Number.NaN };
  const crossing = (level: number) => root((shift) => standardizedRankSum(x, y, shift) - level, least, most);
  return { low: crossing(quantile), high: crossing(-quantile), estimate: crossing(0) };
}

/** The standardized Mann–Whitney statistic of x − shift and y, which decreases as the shift grows. */
function standardizedRankSum(x: readonly number[], y: readonly number[], shift: number): number {
  const size = x.length + y.length;
  const all = [
    ...x.map((value) => ({ value: value - shift, ofX: true })),
    ...y.map((value) => ({ value, ofX: false })),
  ];
  all.sort((a, b) => a.value - b.value);
  let rankSum = 0;
  let ties = 0;
  for (let start = 0; start < size; ) {
    let end = start;
    let ofX = 0;
    while (end < size && all[end]?.value === all[start]?.value) ofX += all[end++]?.ofX ? 1 : 0;
    const tied = end - start;
    rankSum += (ofX * (start + 1 + end)) / 2;
    ties += tied ** 3 - tied;
    start = end;
  }
  const excess = rankSum - (x.length * (x.length + 1)) / 2 - (x.length * y.length) / 2;
  const deviation = Math.sqrt(((x.length * y.length) / 12) * (size + 1 - ties / (size * (size - 1))));
  return (excess - Math.sign(excess) / 2) / deviation;
}

/** Absolute accuracy of `root`, as in R and Kayenta: metrics should not be much smaller than one. */
const ACCURACY = 1e-4;

/**
 * Brent's root finder for a falling function between `least` and `most`; the nearer end if the sign does not change. (R. P.
 * Brent, Algorithms for Minimization without Derivatives, 1973, chapter 4. A rank statistic has steps, so the point that is
 * found near a step depends on the method: Kayenta's results are those of this one.)
 */
function root(f: (at: number) => number, least: number, most: number): number {
  let previous = { at: least, value: f(least) };
  let best = { at: most, value: f(most) };
  if (previous.value <= 0) return least;
  if (best.value >= 0) return most;
  let opposite = previous;
  for (;;) {
    const lastStep = best.at - previous.at;
    if (Math.abs(opposite.value) < Math.abs(best.value)) {
      previous = best;
      best = opposite;
      opposite = previous;
    }
    const smallest = 2 * Number.EPSILON * Math.abs(best.at) + ACCURACY / 2;
    const half = (opposite.at - best.at) / 2;
    if (Math.abs(half) <= smallest || best.value === 0) return best.at;
    let step = half;
    if (Math.abs(lastStep) >= smallest && Math.abs(previous.value) > Math.abs(best.value)) {
      const { p, q } = interpolation(previous, best, opposite);
      const inside = p < 1.5 * half * q - Math.abs(smallest * q) / 2;
      if (inside && p < Math.abs((lastStep * q) / 2)) step = p / q;
    }
    if (Math.abs(step) < smallest) step = step > 0 ? smallest : -smallest;
    previous = best;
    best = { at: best.at + step, value: f(best.at + step) };
    if (best.value > 0 === opposite.value > 0) opposite = previous;
  }
}

interface Point {
  readonly at: number;
  readonly value: number;
}

/** The step p / q from `best`, p >= 0: inverse quadratic through three points, linear through two. */
function interpolation(previous: Point, best: Point, opposite: Point): { p: number; q: number } {
  const width = opposite.at - best.at;
  const s = best.value / previous.value;
  let p: number;
  let q: number;
  if (previous.at === opposite.at) {
    p = width * s;
    q = 1 - s;
  } else {
    const t = previous.value / opposite.value;
    const r = best.value / opposite.value;
    p = s * (width * t * (t - r) - (best.at - previous.at) * (r - 1));
    q = (t - 1) * (r - 1) * (s - 1);
  }
  return p > 0 ? { p, q: -q } : { p: -p, q };
}

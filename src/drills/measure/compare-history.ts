import { duration, percent } from '../../core/wording.ts';
import { type PastRun, runsOfDrill } from './history.ts';

export interface Change {
  readonly figure: 'recovery' | 'lost requests' | 'lowest success' | 'p95';
  /** `worse` and `better`: beyond the noise of the earlier runs. `unknown`: there is too little to compare with. */
  readonly state: 'worse' | 'better' | 'same' | 'unknown';
  /** `12s, 10.2s in the middle of 14 earlier runs`, without a full stop. */
  readonly sentence: string;
}

/** The least number of runs that tell the noise. */
const LEAST = 5;
/** How many runs in a row have to be beyond the noise, with this one. */
const IN_A_ROW = 3;
/** The most earlier runs that tell the noise: a service changes over the years. */
const MOST = 50;
/** The noise that a drill is taken to have before its runs tell it (of a logarithm: 0.3 is a factor of 1.35), and for how many runs. */
const USUAL_NOISE = { deviation: 0.3, runs: 4 } as const;
/** The quantile of the normal distribution for 99 %. */
const Z = 2.326348;

interface Figure {
  readonly figure: Change['figure'];
  /** More is worse. */
  readonly of: (run: PastRun) => number | undefined;
  /** What is too little to matter, which is added to each value: so that 0 has a logarithm, and 1 ms beside 2 ms is no change. */
  readonly grain: number;
  readonly show: (value: number) => string;
}

const seconds = (value: number) => duration(value / 1_000);
const figures: readonly Figure[] = [
  { figure: 'recovery', of: ({ recovery }) => recovery, grain: 1_000, show: seconds },
  { figure: 'lost requests', of: ({ lostShare }) => lostShare, grain: 0.001, show: percent },
  {
    figure: 'lowest success',
    of: ({ lowestSuccess }) => (lowestSuccess === undefined ? undefined : 1 - lowestSuccess),
    grain: 0.01,
    show: (value) => percent(1 - value),
  },
  { figure: 'p95', of: ({ p95 }) => p95, grain: 10, show: seconds },
];

/**
 * Compares a run with the earlier runs of the same drill, figure by figure.
 *
 * A figure is worse if it and those of the two runs before are all above every run before these (5 to 50), and above the upper end of
 * their one-sided prediction interval of 99 % for one further run: m + t · s · √(1 + 1/n) of the logarithms, with mean m, deviation s of
 * n runs, and the quantile t of Student's distribution (G. J. Hahn, "Factors for calculating two-sided prediction intervals for samples
 * from a normal distribution", Journal of the American Statistical Association 64 (1969), for one side). As the deviation of few runs is
 * often much too small, s² is pooled with 0.3² as of four more runs (the scaled inverse χ² prior of Gelman et al., "Bayesian Data
 * Analysis", 2.6). Better is the same downwards.
 *
 * Three in a row are asked for since times of recovery have heavy tails: one run far out says nothing yet. Repeats of one drill are
 * called worse by less than 1 comparison in 1,000 (simulated in the tests, for skewed, heavy-tailed and mixed times too).
 */
export function compareHistory(earlier: readonly PastRun[], now: PastRun): readonly Change[] {
  const runs = runsOfDrill(earlier, now);
  return figures.map((figure) => ({ figure: figure.figure, ...changeOf(figure, runs, now) }));
}

function changeOf({ of, grain, show }: Figure, earlier: readonly PastRun[], now: PastRun): Omit<Change, 'figure'> {
  const value = of(now);
  if (value === undefined) return { state: 'unknown', sentence: 'it was not measured' };
  const known = earlier.flatMap((run) => of(run) ?? []);
  const before = known.slice(0, Math.max(0, known.length - (IN_A_ROW - 1))).slice(-MOST);
  if (before.length < LEAST) {
    const need = LEAST + IN_A_ROW - 1;
    return {
      state: 'unknown',
      sentence: `${show(value)}; there are ${known.length} earlier runs, and it takes ${need}`,
    };
  }
  const latest = [...known.slice(-(IN_A_ROW - 1)), value];
  const scaled = (all: readonly number[]) => all.map((one) => Math.log(one + grain));
  const above = countLast(scaled(latest), upperEnd(scaled(before)));
  const below = countLast(scaled(latest).map(negative), upperEnd(scaled(before).map(negative)));
  const middle = before.toSorted((a, b) => a - b)[Math.floor(before.length / 2)] ?? 0;
  const sentence = `${show(value)}, ${show(middle)} in the middle of ${before.length} earlier runs`;
  if (above === IN_A_ROW)
    return { state: 'worse', sentence: `${sentence}: beyond their noise ${IN_A_ROW} times in a row` };
  if (below === IN_A_ROW)
    return { state: 'better', sentence: `${sentence}: beyond their noise ${IN_A_ROW} times in a row` };
  const times = Math.max(above, below);
  if (times === 0) return { state: 'same', sentence };
  const word = above > 0 ? 'above' : 'below';
  return {
    state: 'same',
    sentence: `${sentence}: ${word} their noise ${times} of the ${IN_A_ROW} times in a row that tell`,
  };
}

/** Above what a further value is beyond the noise of these. */
function upperEnd(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const freedom = values.length - 1 + USUAL_NOISE.runs;
  const deviation = Math.sqrt((USUAL_NOISE.runs * USUAL_NOISE.deviation ** 2 + squares) / freedom);
  return Math.max(...values, mean + quantile(freedom) * deviation * Math.sqrt(1 + 1 / values.length));
}

/** Student's quantile for 99 %, to 0.01 from 8 degrees of freedom on: Abramowitz and Stegun, 26.7.5. */
function quantile(freedom: number): number {
  const first = (Z ** 3 + Z) / 4;
  const second = (5 * Z ** 5 + 16 * Z ** 3 + 3 * Z) / 96;
  const third = (3 * Z ** 7 + 19 * Z ** 5 + 17 * Z ** 3 - 15 * Z) / 384;
  return Z + first / freedom + second / freedom ** 2 + third / freedom ** 3;
}

/** How many of the last values, without a break, are above an end. */
function countLast(values: readonly number[], end: number): number {
  const within = values.findLastIndex((value) => value <= end);
  return values.length - 1 - within;
}

function negative(value: number): number {
  return -value;
}

/** A stream of numbers in [0, 1). */
export type Random = () => number;

/** Small fast counter generator sfc32 (Chris Doty-Humphrey, PractRand), 32 random bits a number. */
export function seeded(seed: number): Random {
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = seed | 0;
  let counter = 1;
  const next = () => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    return (result >>> 0) / 2 ** 32;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) next();
  return next;
}

/** An exact draw of the number of successes in `trials`, in constant expected time. */
export function binomial(random: Random, trials: number, chance: number): number {
  if (trials === 0 || chance <= 0) return 0;
  if (chance >= 1) return trials;
  if (chance > 0.5) return trials - binomial(random, trials, 1 - chance);
  return trials * chance < 10 ? inversion(random, trials, chance) : transformedRejection(random, trials, chance);
}

/** Walks the distribution function from 0: about trials · chance steps. */
function inversion(random: Random, trials: number, chance: number): number {
  const odds = chance / (1 - chance);
  let mass = Math.exp(trials * Math.log1p(-chance));
  let left = random();
  let successes = 0;
  while (left >= mass && successes < trials) {
    left -= mass;
    successes += 1;
    mass *= ((trials - successes + 1) / successes) * odds;
  }
  return successes;
}

/** BTRS of W. Hörmann, "The generation of binomial random variates", J. Stat. Comput. Simul. 46 (1993). */
function transformedRejection(random: Random, trials: number, chance: number): number {
  const spread = Math.sqrt(trials * chance * (1 - chance));
  const b = 1.15 + 2.53 * spread;
  const a = -0.0873 + 0.0248 * b + 0.01 * chance;
  const center = trials * chance + 0.5;
  const alpha = (2.83 + 5.1 / b) * spread;
  const accepted = 0.92 - 4.2 / b;
  const mode = Math.floor((trials + 1) * chance);
  const odds = chance / (1 - chance);
  for (;;) {
    const u = random() - 0.5;
    const v = random();
    const tail = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / tail + b) * u + center);
    if (tail >= 0.07 && v <= accepted) return k;
    if (k < 0 || k > trials) continue;
    const bound =
      (mode + 0.5) * Math.log((mode + 1) / (odds * (trials - mode + 1))) +
      (trials + 1) * Math.log((trials - mode + 1) / (trials - k + 1)) +
      (k + 0.5) * Math.log((odds * (trials - k + 1)) / (k + 1)) +
      stirlingRest(mode) +
      stirlingRest(trials - mode) -
      stirlingRest(k) -
      stirlingRest(trials - k);
    if (Math.log((v * alpha) / (a / (tail * tail) + b)) <= bound) return k;
  }
}

const SMALL_RESTS = Array.from({ length: 10 }, (_, k) => {
  const logFactorial = Array.from({ length: k }, (_unused, i) => Math.log(i + 1)).reduce(
    (total, term) => total + term,
    0,
  );
  return logFactorial - (0.5 * Math.log(2 * Math.PI) + (k + 0.5) * Math.log(k + 1) - (k + 1));
});

/** ln k! minus Stirling's approximation of it at k + 1. */
function stirlingRest(k: number): number {
  const n = k + 1;
  return SMALL_RESTS[k] ?? (1 / 12 - (1 / 360 - 1 / 1260 / (n * n)) / (n * n)) / n;
}

/**
 * How many requests a drill exposes to its fault until it knows what the fault does to users: `npm run test:real -- drill-power`. Nothing
 * is asserted here; the unit tests do that for fewer drills.
 */
import { pathToFileURL } from 'node:url';
import { type ControlArmOptions, createControlArm } from '../../src/drills/control-arm.ts';
import { badAtLeast } from '../../src/judge/exact-tests.ts';
import { binomial, type Random, seeded } from '../../src/judge/random.ts';

/** One drill: what fails without the fault, and with it; rates from 0 to 1. */
export interface DrillCase {
  readonly usual: number;
  readonly faulty: number;
}

const ALPHA = 0.01;
const ACCEPTED = 0.005;

/**
 * Requests before the fault, and as many during it, with which Fisher's exact test finds the difference with this power. It needs a
 * number fixed in advance, as a drill with a fixed duration has.
 */
export function beforeAfterNeeded(one: DrillCase, power: number, drills: number, random: Random): number {
  const finds = (requests: number) => {
    let found = 0;
    for (let drill = 0; drill < drills; drill += 1) {
      const before = { requests, bad: binomial(random, requests, one.usual) };
      const during = { requests, bad: binomial(random, requests, one.faulty) };
      if (badAtLeast(during, before) <= ALPHA) found += 1;
    }
    return found / drills;
  };
  let [low, high] = [1, 2];
  while (finds(high) < power) [low, high] = [high, high * 2];
  while (high - low > Math.max(1, low / 50)) {
    const middle = Math.floor((low + high) / 2);
    if (finds(middle) < power) low = middle;
    else high = middle;
  }
  return high;
}

/** How control-arm drills end: the share that is called worse, and the faulted requests that each took, ascending. */
export function controlArm(one: DrillCase, clean: number, drills: number, random: Random) {
  const options: ControlArmOptions = { clean, most: 20_000, alpha: ALPHA, beta: 0.05, accepted: ACCEPTED };
  const exposed: number[] = [];
  let worse = 0;
  for (let drill = 0; drill < drills; drill += 1) {
    const arms = createControlArm(options);
    for (let arm = arms.next(); arm !== undefined; arm = arms.next())
      arms.add(arm, random() < (arm === 'faulted' ? one.faulty : one.usual));
    const opinion = arms.opinion();
    if (opinion.state === 'worse') worse += 1;
    exposed.push(opinion.faulted.requests);
  }
  return { worse: worse / drills, exposed: exposed.toSorted((a, b) => a - b) };
}

/** Faulted requests in the mean, where drills end undecided after so many that this share of them is decided. */
export function exposedAt(power: number, exposed: readonly number[]): number {
  const most = exposed[Math.ceil(power * exposed.length) - 1] ?? Number.POSITIVE_INFINITY;
  return exposed.reduce((sum, requests) => sum + Math.min(requests, most), 0) / exposed.length;
}

export const cases: readonly DrillCase[] = [
  { usual: 0, faulty: 0.05 },
  { usual: 0, faulty: 0.2 },
  { usual: 0.005, faulty: 0.05 },
  { usual: 0.005, faulty: 0.1 },
  { usual: 0.005, faulty: 0.2 },
  { usual: 0.02, faulty: 0.1 },
  { usual: 0.02, faulty: 0.5 },
];

function print(drills: number): void {
  const random = seeded(1);
  console.log(
    `${drills} drills each, alpha ${ALPHA}, accepted ${100 * ACCEPTED} % more. Exposed: requests that meet the fault until the drill knows.`,
  );
  for (const one of cases) {
    for (const power of [0.9, 0.99]) {
      const needed = beforeAfterNeeded(one, power, drills, random);
      const parts = [1, 4].map((clean) => {
        const exposed = exposedAt(power, controlArm(one, clean, drills, random).exposed);
        return `with ${clean} clean to a faulted one ${exposed.toFixed(0)} (${((100 * exposed) / needed).toFixed(0)} %)`;
      });
      console.log(
        `${one.usual} -> ${one.faulty}, power ${power}: before/after exposes ${needed}, a control arm ${parts.join(', ')}`,
      );
    }
    const harmless = controlArm({ usual: one.usual, faulty: one.usual }, 4, drills, random);
    console.log(`${one.usual} -> ${one.usual}, no harm: ${harmless.worse} falsely worse`);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) print(Number(process.argv[2] ?? 1_000));

/**
 * Numbers from 0 to 1 that are the same for the same seed (mulberry32, https://gist.github.com/tommyettinger/46a874533244883189143505d203312c).
 */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The seed that a variable gives, to repeat a run; another one each time without it. */
export function seedFrom(variable: string): number {
  const given = process.env[variable];
  const seed = given === undefined ? Date.now() % 1_000_000 : Number(given);
  if (!Number.isInteger(seed)) throw new Error(`${variable} is a whole number, and not "${given}".`);
  return seed;
}

import { type Random, seeded } from '../../src/judge/random.ts';

/** A stream of random numbers of its own for each name: what is drawn under one name does not shift the others' draws. */
export function randomFor(seed: number, name: string): Random {
  let hash = seed >>> 0;
  for (const character of name) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return seeded(hash);
}

import { type Random, seeded } from '../../src/judge/random.ts';

/** An independent stream of random numbers for each name: draws under one name do not shift those of others. */
export function randomFor(seed: number, name: string): Random {
  let hash = seed >>> 0;
  for (const character of name) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return seeded(hash);
}

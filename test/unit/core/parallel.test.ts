import { expect, it, vi } from 'vitest';
import { inParallel } from '../../../src/core/parallel.ts';

it('has no more under way than it may, and gives the results in the order of the items', async () => {
  let underWay = 0;
  let most = 0;
  const ends = [1, 2, 3, 4].map(() => Promise.withResolvers<void>());
  const results = inParallel(
    [0, 1, 2, 3],
    async (item) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await ends[item]?.promise;
      underWay -= 1;
      return item * 10;
    },
    2,
  );
  await vi.waitFor(() => expect(underWay).toBe(2));
  for (const { resolve } of ends.toReversed()) resolve();
  expect(await results).toEqual([0, 10, 20, 30]);
  expect(most).toBe(2);
});

it('begins nothing more after an error', async () => {
  const begun: number[] = [];
  const failing = inParallel(
    [0, 1, 2, 3],
    async (item) => {
      begun.push(item);
      if (item === 1) throw new Error('refused');
    },
    1,
  );
  await expect(failing).rejects.toThrow('refused');
  expect(begun).toEqual([0, 1]);
});

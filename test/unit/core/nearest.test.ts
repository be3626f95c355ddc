import { describe, expect, it } from 'vitest';
import { nearest } from '../../../src/core/nearest.ts';

describe('nearest', () => {
  it('names what was most likely meant', () => {
    expect(nearest('statefulst', ['deployment', 'statefulset'])).toBe('statefulset');
    expect(nearest('hlod', ['early', 'hold'])).toBe('hold');
    expect(nearest('xyz', ['deployment'])).toBeUndefined();
  });

  it('compares no texts without an end, each with each', () => {
    const long = 'a'.repeat(100_000);
    expect(nearest(long, [`${long}b`, 'a'])).toBeUndefined();
  });
});

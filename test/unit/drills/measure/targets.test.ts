import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSluiceError } from '../../../../src/core/errors.ts';
import { parseTargets, successTarget } from '../../../../src/drills/measure/targets.ts';

function problemOf(text: string): string {
  try {
    parseTargets(text);
  } catch (error) {
    if (isSluiceError(error, 'invalid-input')) return error.message;
    throw error;
  }
  return 'none';
}

describe('targets', () => {
  it.each([
    ['success >= 99.9%', { kind: 'success', least: 0.999 }],
    ['lowest success >= 90%', { kind: 'lowest success', least: 0.9 }],
    ['recovery <= 30s', { kind: 'recovery', most: 30_000 }],
    ['recovery from removal <= 30s', { kind: 'recovery', most: 30_000 }],
    ['recovery from injection <= 1m30s', { kind: 'recovery from injection', most: 90_000 }],
    ['lost <= 20', { kind: 'lost requests', most: 20 }],
    ['lost <= 0.5%', { kind: 'lost share', most: 0.005 }],
    ['below target<=10s', { kind: 'below target', most: 10_000 }],
    ['p95 <= 500ms', { kind: 'latency', of: 'p95', when: 'during', most: 500 }],
    ['p99 after <= 1s', { kind: 'latency', of: 'p99', when: 'after', most: 1_000 }],
    ['scale-up <= 60s', { kind: 'scale-up', most: 60_000 }],
    ['ejection <= 10s', { kind: 'ejection', most: 10_000 }],
    ['alert HighErrorRate <= 2m', { kind: 'alert', name: 'HighErrorRate', most: 120_000 }],
    ['alert HighErrorRate never', { kind: 'alert', name: 'HighErrorRate', most: undefined }],
  ])('%s is read', (text, target) => {
    expect(parseTargets(text)).toEqual([{ text, ...target }]);
  });

  it('are success and recovery where none is given', () => {
    expect(parseTargets(' \n').map(({ text }) => text)).toEqual(['success >= 99%', 'recovery <= 60s']);
  });

  it('say from which share on the service counts as good', () => {
    expect(successTarget(parseTargets('recovery <= 30s\nsuccess >= 95%'))).toBe(0.95);
    expect(successTarget(parseTargets('recovery <= 30s'))).toBe(0.99);
  });

  it.each([
    ['success >= 99', 'line 1 ("success >= 99") needs a share from 0% to 100%'],
    ['success >= 101%', 'needs a share from 0% to 100%'],
    ['success <= 99%', 'needs >= instead of <='],
    ['recovery >= 30s', 'needs <= instead of >='],
    ['recovery <= 30', 'needs a duration'],
    ['\nrecovry <= 30s', 'line 2 ("recovry <= 30s") has the unknown subject "recovry"'],
    ['lost <= some', 'needs a number of requests'],
    ['alert never', 'is no subject'],
    ['recovery = 30s', 'is no subject'],
    ['p95 <= 1s\np95 during <= 2s', 'asks again for p95 during'],
    ['recovery <= 30s\nrecovery from removal <= 20s', 'asks again for recovery'],
    [`alert ${'x'.repeat(300)} never`, 'is longer than 200 characters'],
    [Array.from({ length: 60 }, (_, index) => `alert a${index} never`).join('\n'), 'more than 50 lines'],
  ])('%j is refused, with the forms that are allowed', (text, problem) => {
    expect(problemOf(text)).toContain(problem);
    expect(problemOf(text)).toContain('"recovery <= 30s"');
  });

  it('are read or refused, whatever they are', () => {
    const word = fc.constantFrom(
      'success',
      'recovery',
      'lost',
      'p95',
      'alert',
      '>=',
      '<=',
      '9%',
      '5s',
      'never',
      '\n',
      '\u0000',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(word).map((words) => words.join(' ')),
    );
    fc.assert(fc.property(text, (given) => typeof problemOf(given) === 'string'));
  });
});

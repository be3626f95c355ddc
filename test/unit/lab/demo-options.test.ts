import { describe, expect, it } from 'vitest';
import { demoUsage, readDemoOptions } from '../../../lab/embedded/demo-options.ts';

describe('the options of the demo', () => {
  it('play a good and a bad release without any', () => {
    expect(readDemoOptions([])).toEqual({ help: false, json: false, names: ['healthy', 'errors-5pct'] });
    expect(readDemoOptions(['--scenario', 'slow', '--json'])).toEqual({ help: false, json: true, names: ['slow'] });
  });

  it.each([['--help'], ['-h']])('%s is answered with all options and scenarios', (option) => {
    expect(readDemoOptions([option]).help).toBe(true);
    for (const text of ['--scenario NAME', '--json', 'crashloop', 'is rolled back']) expect(demoUsage).toContain(text);
  });

  it('that do not exist are refused with those that do', () => {
    expect(() => readDemoOptions(['--scenario', 'none'])).toThrow(/There is no scenario "none"\. There are: healthy/);
    expect(() => readDemoOptions(['--colour'])).toThrow(/--colour[\s\S]*--scenario NAME/);
  });
});

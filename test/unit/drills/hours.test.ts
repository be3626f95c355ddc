import { describe, expect, it } from 'vitest';
import { parseHours, requireHours } from '../../../src/drills/hours.ts';

/** Whether a drill may begin. */
function isAllowed(text: string, at: string): boolean {
  const hours = parseHours(text);
  if (!hours) throw new Error(`"${text}" is no hours`);
  try {
    requireHours(hours, Date.parse(at));
    return true;
  } catch {
    return false;
  }
}

describe('hours', () => {
  it.each([
    // 2026-01-05 is a Monday.
    ['Mon-Fri 09:00-17:00 Europe/Berlin', '2026-01-05T08:00:00Z', true],
    ['Mon-Fri 09:00-17:00 Europe/Berlin', '2026-01-05T07:59:59Z', false],
    ['Mon-Fri 09:00-17:00 Europe/Berlin', '2026-01-05T16:00:00Z', false],
    ['Mon-Fri 09:00-17:00 Europe/Berlin', '2026-01-04T10:00:00Z', false],
    // In summer the same clock is an hour earlier.
    ['Mon-Fri 09:00-17:00 Europe/Berlin', '2026-07-06T07:00:00Z', true],
    ['Mon-Fri 09:00-17:00 Europe/Berlin', '2026-07-06T15:00:00Z', false],
    ['09:00-17:00', '2026-01-04T09:00:00Z', true],
    ['mon 00:00-24:00', '2026-01-05T23:59:59Z', true],
    ['mon 00:00-24:00', '2026-01-06T00:00:00Z', false],
    ['Sat-Mon 10:00-11:00', '2026-01-04T10:30:00Z', true],
    ['Sat-Mon 10:00-11:00', '2026-01-06T10:30:00Z', false],
    // What is after midnight belongs to the day before.
    ['Fri 22:00-02:00', '2026-01-09T23:00:00Z', true],
    ['Fri 22:00-02:00', '2026-01-10T01:59:00Z', true],
    ['Fri 22:00-02:00', '2026-01-10T02:00:00Z', false],
    ['Fri 22:00-02:00', '2026-01-09T01:00:00Z', false],
    ['Fri 22:00-02:00', '2026-01-10T23:00:00Z', false],
    ['Mon 00:00-01:00 Asia/Kolkata', '2026-01-04T18:30:00Z', true],
  ])('%s at %s: %s', (text, at, allowed) => {
    expect(isAllowed(text, at)).toBe(allowed);
  });

  it.each([
    '',
    'always',
    'Mon-Fri',
    '9:00-17:00',
    '09:00-17:60',
    '09:00-24:01',
    '24:00-25:00',
    '09:00-09:00',
    'Mo-Fr 09:00-17:00',
    'Mon- 09:00-17:00',
    '09:00-17:00 Berlin/Europe',
    '09:00-17:00 UTC and more',
  ])('"%s" is none', (text) => {
    expect(parseHours(text)).toBeUndefined();
  });

  it('are told where now is outside of them', () => {
    const hours = parseHours('Mon 09:00-10:00');
    expect(() => requireHours(hours, Date.UTC(2026, 0, 1))).toThrow(
      'input "hours": allows drills Mon 09:00-10:00, and now is 2026-01-01T00:00:00.000Z.',
    );
    expect(() => requireHours(undefined, 0)).not.toThrow();
  });
});

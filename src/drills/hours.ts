import { SluiceError } from '../core/errors.ts';

const DAYS: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const FORM =
  /^(?:(sun|mon|tue|wed|thu|fri|sat)(?:-(sun|mon|tue|wed|thu|fri|sat))? +)?(\d{2}):(\d{2})-(\d{2}):(\d{2})(?: +(\S+))?$/i;

/** When drills may run. */
export interface Hours {
  readonly text: string;
  /** Days of the week, 0 is Sunday. */
  readonly days: ReadonlySet<number>;
  /** Minutes since midnight; `to` is not included, and may be before `from`: then it is on the next day. */
  readonly from: number;
  readonly to: number;
  /** An IANA time zone. */
  readonly zone: string;
}

/** `Mon-Fri 09:00-17:00 Europe/Berlin`; undefined for anything else. Days and zone may be left out: every day, in UTC. */
export function parseHours(text: string): Hours | undefined {
  const match = FORM.exec(text.trim());
  if (!match) return undefined;
  const [, first, last, fromHour, fromMinute, toHour, toMinute, zone = 'UTC'] = match;
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const to = Number(toHour) * 60 + Number(toMinute);
  const isTime = [fromMinute, toMinute].every((minute) => Number(minute) < 60) && from < 1_440 && to <= 1_440;
  if (!isTime || from === to || !isZone(zone)) return undefined;
  return { text: text.trim(), days: daysOf(first, last), from, to, zone };
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

function daysOf(first: string | undefined, last = first): ReadonlySet<number> {
  const indexOf = (name: string) => DAYS.indexOf(name.toLowerCase());
  if (first === undefined || last === undefined) return new Set(DAYS.keys());
  const [from, to] = [indexOf(first), indexOf(last)];
  return new Set(Array.from({ length: ((to - from + 7) % 7) + 1 }, (_, index) => (from + index) % 7));
}

/** Whether an instant is within the hours, by the clock of their time zone. */
function isWithin({ days, from, to, zone }: Hours, instant: number): boolean {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, value]));
  const day = DAYS.indexOf(parts.get('weekday')?.toLowerCase() ?? '');
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'));
  if (from < to) return days.has(day) && minute >= from && minute < to;
  // What is after midnight belongs to the day before.
  return minute >= from ? days.has(day) : minute < to && days.has((day + 6) % 7);
}

/** @throws SluiceError `invalid-input` for an instant outside of the hours */
export function requireHours(hours: Hours | undefined, now: number): void {
  if (!hours || isWithin(hours, now)) return;
  throw new SluiceError('invalid-input', {
    about: 'input "hours"',
    problem: `allows drills ${hours.text}, and now is ${new Date(now).toISOString()}.`,
    next: 'Schedule the drill within these hours, or widen them.',
  });
}

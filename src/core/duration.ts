const HOUR = 3_600_000;
const MINUTE = 60_000;
const SECOND = 1_000;

const amount = String.raw`(\d+(?:\.\d+)?)`;
const pattern = new RegExp(`^(?:${amount}h)?(?:${amount}m)?(?:${amount}s)?(?:${amount}ms)?$`);

/**
 * Milliseconds of a duration such as `1h30m`, `90s`, `0.5h` or `250ms`, rounded to whole ones. Strict: undefined for anything
 * else, including a number without a unit.
 */
export function parseDuration(text: string): number | undefined {
  const match = pattern.exec(text);
  if (!match || text === '') return undefined;
  const [hours, minutes, seconds, milliseconds] = match.slice(1).map((part) => Number(part ?? 0));
  return Math.round((hours ?? 0) * HOUR + (minutes ?? 0) * MINUTE + (seconds ?? 0) * SECOND + (milliseconds ?? 0));
}

/** The shortest text from which `parseDuration` reads the same whole number of milliseconds: `1h30m`, `90000` → `1m30s`. */
export function formatDuration(milliseconds: number): string {
  const parts = [
    [Math.floor(milliseconds / HOUR), 'h'],
    [Math.floor((milliseconds % HOUR) / MINUTE), 'm'],
    [Math.floor((milliseconds % MINUTE) / SECOND), 's'],
    [milliseconds % SECOND, 'ms'],
  ] as const;
  const text = parts.map(([count, unit]) => (count > 0 ? `${count}${unit}` : '')).join('');
  return text === '' ? '0s' : text;
}

const units = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3],
  ['μs', 1e-3],
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

const token = /(\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})(ns|us|µs|μs|ms|s|m|h)/g;

/** The most characters of a duration that is read. */
const LONGEST = 64;

/**
 * Milliseconds of a duration as Go reads it: `300ms`, `-1.5h`, `2h45m`, `0`. Undefined for anything else.
 * https://pkg.go.dev/time#ParseDuration
 */
export function parseGoDuration(text: string): number | undefined {
  if (text.length > LONGEST) return undefined;
  const sign = text.startsWith('-') ? -1 : 1;
  const amounts = /^[-+]/.test(text) ? text.slice(1) : text;
  if (amounts === '0') return 0;
  const tokens = [...amounts.matchAll(token)];
  if (tokens.length === 0 || tokens.map(([part]) => part).join('') !== amounts) return undefined;
  return sign * tokens.reduce((sum, [, amount, unit = '']) => sum + Number(amount) * (units.get(unit) ?? 0), 0);
}

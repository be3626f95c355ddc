import type { RuleFinding } from './look.ts';

/** How long something has to be beyond its limit until that is a breach. */
export type BreachAfter = { readonly looks: number } | { readonly milliseconds: number };

/**
 * Lets a breach count once it has lasted as long as it has to; before that, it is not certain. A look without data is not
 * given to it: it neither ends a row of looks nor prolongs it.
 *
 * @returns what a finding comes to, at a time in milliseconds since the Unix epoch
 */
export function createRow(breachAfter: BreachAfter = { looks: 1 }): (found: RuleFinding, at: number) => RuleFinding {
  let row = { looks: 0, since: 0 };
  return (found, at) => {
    if (found.state !== 'breach') {
      row = { looks: 0, since: at };
      return found;
    }
    row = row.looks === 0 ? { looks: 1, since: at } : { ...row, looks: row.looks + 1 };
    const [reached, wanted, sofar] =
      'looks' in breachAfter
        ? [row.looks >= breachAfter.looks, `${breachAfter.looks} looks`, `${row.looks}`]
        : [
            at - row.since >= breachAfter.milliseconds,
            `${breachAfter.milliseconds / 1_000} s`,
            `${Math.round((at - row.since) / 1_000)} s`,
          ];
    if (reached)
      return { ...found, sentence: `${found.sentence}${row.looks > 1 ? `, ${row.looks} looks in a row` : ''}` };
    const sentence = `${found.sentence}; a breach after ${wanted} in a row, so far ${sofar}`;
    return { ...found, state: 'unknown', lacks: 'certainty', progress: 0.99, sentence };
  };
}

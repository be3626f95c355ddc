/** A span of time: milliseconds since the Unix epoch. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** One measured number, and what it is of: the labels of a series, or the empty text. */
export interface Measured {
  readonly of: string;
  readonly value: number;
  /** When it was measured, milliseconds since the Unix epoch. */
  readonly at: number;
}

/** One thing that a source saw and that speaks against going on: an alert that fires, an assertion that does not hold. */
export interface Sighting {
  /** One line: `alert HighErrorRate fires since 12:04 (severity=page)`. */
  readonly text: string;
}

interface WithNotes {
  /** What the reader should know of this answer, one sentence each. */
  readonly notes?: readonly string[];
}

/** Events of a window, and how many of them were bad. */
export interface CountsLook extends WithNotes {
  readonly kind: 'counts';
  /** A whole number >= 0; `bad` is at most that. */
  readonly total: number;
  readonly bad: number;
  /** Those of `total` that may come from no user, such as probes: among them, bad ones weigh less than among the users' own. */
  readonly doubtful?: number;
}

/** What a source answers about a window. A missing answer is never an empty one. */
export type Look =
  | CountsLook
  | (WithNotes & { readonly kind: 'values'; readonly values: readonly Measured[] })
  | (WithNotes & { readonly kind: 'sightings'; readonly sightings: readonly Sighting[] })
  | (WithNotes & {
      readonly kind: 'missing';
      readonly reason: string;
      /** Bad events that were seen all the same, in a window that is looked at again. */
      readonly atLeast?: number;
    });

/** What a rule says of all looks so far, and why. */
export interface RuleFinding {
  /** `unknown` is neither: data are missing, or there are not enough of them. */
  readonly state: 'breach' | 'healthy' | 'unknown';
  /** In the band between accepted and a breach. */
  readonly warning?: boolean;
  /** What an unknown state lacks: any data, enough traffic, or certainty. */
  readonly lacks?: 'data' | 'traffic' | 'certainty';
  /** From 0 (nothing speaks against it) to 1 (breach). */
  readonly progress: number;
  /** `20 of 412 requests failed (4.9 %), limit 1 %` */
  readonly sentence: string;
  /** The measured figures behind the sentence: rates are fractions, evidence is in nats. */
  readonly figures: Readonly<Record<string, number>>;
}

/** One rule that is applied to what a source answers, look by look. */
export interface LookRule {
  /**
   * Adds a look, and what it is compared with, where the rule compares. Looks of counts cover windows that do not overlap.
   *
   * @param at milliseconds since the Unix epoch
   */
  add(look: Look, reference: Look | undefined, at: number): void;
  finding(): RuleFinding;
}

/** What is said where there is no data. */
export function noData(reason: string): RuleFinding {
  return { state: 'unknown', lacks: 'data', progress: 0, sentence: reason, figures: {} };
}

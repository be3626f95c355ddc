import type { Findings, ObjectiveDocument } from './findings.ts';
import type { PlaceholderValues } from './placeholders.ts';

/** A check as a user writes it. */
export type WrittenCheck = { readonly check: string; readonly name: string } & Readonly<Record<string, unknown>>;

/** How often something is measured, in milliseconds. */
export interface Timing {
  readonly watch: number;
  readonly interval: number;
}

export interface Conversion {
  readonly checks: readonly WrittenCheck[];
  /** Scores in per cent that the document asks for. */
  readonly score?: { readonly pass: number; readonly warn: number; readonly about: string };
  readonly timings?: readonly Timing[];
}

export interface ConversionContext {
  /** What placeholders stand for: those of `objectives-values`. */
  readonly values: PlaceholderValues;
  /** Milliseconds that a look covers. */
  readonly window: number;
  /** What stands for the former results that objectives compare with: `stable`, or how long before now: `1d`. */
  readonly comparedWith?: 'stable' | { readonly before: string };
  /** The kinds of checks that the gate has. */
  readonly kinds: ReadonlySet<string>;
  /** Whether the user says how long to watch, or how often to look. */
  readonly isTimed: boolean;
}

/** Converts all documents of a format at once, as some refer to others. */
export type Convert = (
  documents: readonly ObjectiveDocument[],
  context: ConversionContext,
  findings: Findings,
) => Conversion;

import { excerpt } from '../../core/text.ts';
import type { Conclusion } from './verdict.ts';

/** What shields.io makes a badge of: https://shields.io/badges/endpoint-badge */
export interface Badge {
  readonly schemaVersion: 1;
  readonly label: string;
  readonly message: string;
  readonly color: 'brightgreen' | 'yellow' | 'orange' | 'red' | 'lightgrey';
  readonly isError?: boolean;
}

/** The longest name of a service on a badge, in characters. */
const LONGEST = 60;

/**
 * The badge of a service: the score of its last drill. Without a score it says the verdict; only a service that is resilient is green, and
 * what was not measured to its end is grey.
 *
 * @param score per cent; undefined where nothing was measured
 */
export function badgeOf(service: string, verdict: Conclusion['verdict'] | 'aborted', score: number | undefined): Badge {
  const unfinished = verdict === 'incomplete' || verdict === 'aborted';
  return {
    schemaVersion: 1,
    label: `resilience of ${excerpt(service, LONGEST)}`,
    message: score === undefined || unfinished ? verdict : `${score} %`,
    color: unfinished ? 'lightgrey' : verdict === 'resilient' ? 'brightgreen' : colorOf(score ?? 0),
    ...(verdict === 'not-resilient' ? { isError: true } : {}),
  };
}

function colorOf(score: number): 'yellow' | 'orange' | 'red' {
  if (score >= 80) return 'yellow';
  return score >= 50 ? 'orange' : 'red';
}

import type { DrillReport } from './drill-report.ts';
import { verdictNames } from './drill-words.ts';

interface Badge {
  readonly schemaVersion: 1;
  readonly label: string;
  readonly message: string;
  readonly color: string;
}

const colours = {
  resilient: 'brightgreen',
  'not-resilient': 'red',
  incomplete: 'lightgrey',
  aborted: 'orange',
} as const;

/**
 * The badge of a service, as shields.io reads it from an address. A drill that can't tell has no score in it.
 * https://shields.io/badges/endpoint-badge
 */
export function drillBadge({ verdict, score }: DrillReport): Badge {
  const tells = verdict === 'resilient' || verdict === 'not-resilient';
  const message = verdict === undefined ? 'no answer' : verdictNames[verdict];
  return {
    schemaVersion: 1,
    label: 'resilience',
    // Rounded down, so that only a drill that met every target has 100 %.
    message: tells && score !== undefined ? `${message}, ${Math.floor(score)} %` : message,
    color: verdict === undefined ? 'lightgrey' : colours[verdict],
  };
}

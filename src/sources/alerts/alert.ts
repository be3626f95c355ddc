import { excerpt } from '../../core/text.ts';
import type { Look, Window } from '../../judge/looks/look.ts';
import type { Labels, Selector } from '../../meters/series/selector.ts';
import { formatFilter } from './matchers.ts';

/** An alert that is active. */
export interface Alert {
  readonly labels: Labels;
  /** One line of the person who wrote its rule. */
  readonly summary: string | undefined;
  /** When it began to fire, or to be pending; milliseconds since the Unix epoch. */
  readonly since: number;
  readonly isPending: boolean;
}

/** Which alerts speak against going on. */
export interface AlertQuery {
  readonly matchers: Selector;
  /** Only alerts that began in the windows that were looked at. */
  readonly onlyNew: boolean;
  /** Names of alerts that do not count. */
  readonly ignore: readonly string[];
}

/** The label that names an alert. */
export const ALERT_NAME = 'alertname';

/** Alerts of which a note names so many. */
const MOST_NAMED = 5;
/** Characters of one alert in a sentence. */
const MOST_WORDS = 300;

/** What a look at matching alerts says. The windows of all looks together begin where the first one did. */
export function createAlertLook({ onlyNew, ignore }: AlertQuery) {
  let begun: number | undefined;
  return (matching: readonly Alert[], { from }: Window): Look => {
    begun = Math.min(begun ?? from, from);
    const start = begun;
    const counted = matching.filter(({ labels }) => !ignore.includes(labels[ALERT_NAME] ?? ''));
    const old = onlyNew ? counted.filter(({ since }) => since < start) : [];
    const sightings = counted.filter((alert) => !old.includes(alert)).map((alert) => ({ text: describe(alert) }));
    const began = new Date(start).toISOString();
    const notes = old.length === 0 ? [] : [`${namesOf(old)} fired before ${began} and does not count (only-new).`];
    return { kind: 'sightings', sightings, notes };
  };
}

export function describeMatchers(matchers: Selector): string {
  return excerpt(`{${matchers.map(formatFilter).join(', ')}}`, MOST_WORDS);
}

function namesOf(alerts: readonly Alert[]): string {
  const names = [...new Set(alerts.map(({ labels }) => excerpt(labels[ALERT_NAME] ?? 'an alert without a name', 80)))];
  const more = names.length > MOST_NAMED ? `, and ${names.length - MOST_NAMED} more` : '';
  return `${names.slice(0, MOST_NAMED).join(', ')}${more}`;
}

function describe({ labels, summary, since, isPending }: Alert): string {
  const { [ALERT_NAME]: name = 'without a name', ...others } = labels;
  const shown = Object.entries(others).map(([label, value]) => `${label}=${value}`);
  const labelled = shown.length === 0 ? '' : ` (${excerpt(shown.join(', '), MOST_WORDS / 2)})`;
  const state = isPending ? 'is pending' : 'fires';
  const said = summary === undefined ? '' : `: ${summary}`;
  return excerpt(`alert ${name} ${state} since ${new Date(since).toISOString()}${labelled}${said}`, MOST_WORDS);
}

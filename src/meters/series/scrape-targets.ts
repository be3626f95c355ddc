import { isSluiceError } from '../../core/errors.ts';
import { equal, escapeRegex, format, type Labels, like, NAME } from './selector.ts';

/** Asks for the labels of series that matched a selector lately. */
export type AskSeries = (selector: string, signal: AbortSignal) => Promise<readonly Labels[]>;

/** The labels of `up` of the targets that series were scraped from. */
export type ScrapeTargets = (series: readonly Labels[], signal: AbortSignal) => Promise<readonly Labels[]>;

/** The most targets in one query, as it contains their addresses. */
const TARGETS_AT_ONCE = 50;
/** The most queries for one look. The labels of further targets are guessed. */
const MOST_QUESTIONS = 20;

/**
 * Finds the targets of series by `up`, which it asks for only when a series is new: then its target is new, or has new labels.
 * A store without `up` has no targets.
 */
export function createScrapeTargets(ask: AskSeries): ScrapeTargets {
  const seen = new Set<string>();
  const known = new Map<string, Labels>();
  return async (series, signal) => {
    const unseen = series.filter((labels) => !seen.has(textOf(labels)));
    const places = unseen.flatMap(placesOf);
    if (places.length > 0) {
      const answers = await Promise.all(questions(places).map((question) => askOrNone(ask, question, signal)));
      for (const up of answers.flat()) known.set(textOf(up), up);
    }
    for (const labels of unseen) seen.add(textOf(labels));
    return [...known.values()];
  };
}

async function askOrNone(ask: AskSeries, question: string, signal: AbortSignal): Promise<readonly Labels[]> {
  try {
    return await ask(question, signal);
  } catch (error) {
    // A proxy may allow queries of some metrics only.
    if (isSluiceError(error, 'bad-query')) return [];
    throw error;
  }
}

interface Place {
  readonly job: string;
  readonly instance: string;
}

/** The job and instance of a series, and those that it had on a federated server. */
function placesOf(labels: Labels): Place[] {
  const places = [
    [labels.job, labels.instance],
    [labels.exported_job, labels.exported_instance],
  ];
  return places.flatMap(([job, instance]) => (job && instance ? [{ job, instance }] : []));
}

function questions(places: readonly Place[]): string[] {
  const instances = [...Map.groupBy(places, ({ instance }) => instance)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const batches: (typeof instances)[] = [];
  for (let start = 0; start < instances.length; start += TARGETS_AT_ONCE) {
    batches.push(instances.slice(start, start + TARGETS_AT_ONCE));
  }
  return batches.slice(0, MOST_QUESTIONS).map((batch) => {
    const jobs = batch.flatMap(([, ofInstance]) => ofInstance.map(({ job }) => job));
    return format([
      equal(NAME, 'up'),
      like('job', anyOf(jobs)),
      like('instance', anyOf(batch.map(([instance]) => instance))),
    ]);
  });
}

function anyOf(texts: readonly string[]): string {
  return [...new Set(texts)].toSorted().map(escapeRegex).join('|');
}

function textOf(labels: Labels): string {
  const pairs = Object.entries(labels).filter(([label]) => label !== 'le');
  return JSON.stringify(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

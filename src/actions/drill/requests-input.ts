import * as z from 'zod';
import { readYamlDocument } from '../../core/yaml-value.ts';
import { countedRequests } from '../../drills/counted-requests.ts';
import type { Requests } from '../../drills/ports.ts';
import { inputType, wrong } from '../../runner/input-types.ts';
import type { ControlHeader } from '../../sources/followed-load.ts';
import type { CheckPlace } from '../checks/check-kind.ts';
import { readCheck } from '../checks/check-list.ts';
import { followedRequests, loadSettings } from '../checks/kinds/load.ts';
import { ratioCheck } from '../checks/kinds/ratio.ts';
import { requestsCheck } from '../checks/kinds/requests.ts';

interface HowToAsk {
  /** Milliseconds between two counts. */
  readonly interval: number;
  /** The header that faults look for. */
  readonly control: ControlHeader | undefined;
}

/** The requests by which a drill measures. */
export interface RequestsInput {
  readonly check: string;
  build(place: CheckPlace, how: HowToAsk): Requests;
}

type CountsCheck = z.infer<typeof requestsCheck.schema>;

const counts = (schema: z.ZodType<CountsCheck>) =>
  schema.transform(
    (check): RequestsInput => ({
      check: check.check,
      build: (place, { interval }) => countedRequests(check.build(place).source, interval, place.world.clock),
    }),
  );

const kinds: Readonly<Record<string, z.ZodType<RequestsInput>>> = {
  load: loadSettings.transform((settings) => ({
    check: 'load',
    build: (place, { control }) => followedRequests(settings, place, control),
  })),
  requests: counts(requestsCheck.schema),
  ratio: counts(ratioCheck.schema),
};

/** What speaks of a limit, which a drill has in its targets. */
const ofChecks = ['limit', 'relative-to', 'tolerance', 'absolute-tolerance', 'must-detect', 'burst-size', 'on-breach'];

/** One check of the kinds that count requests, as a YAML map and without its limit. */
export const requestsInput = inputType('a YAML map of check: load, requests or ratio', (text): RequestsInput => {
  if (text.length > 20_000) return wrong('has more than 20,000 characters.');
  const document = readYamlDocument(text);
  if ('problem' in document) return wrong(`is not YAML: ${document.problem}.`);
  const map = z.record(z.string(), z.unknown()).safeParse(document.value);
  if (!map.success) return wrong('is not a YAML map with "check: load", "check: requests" or "check: ratio".');
  const odd = ofChecks.find((name) => Object.hasOwn(map.data, name));
  if (odd !== undefined) return wrong(`has "${odd}", which is of a gate: what is accepted stands in "targets".`);
  const problems: string[] = [];
  // A drill's limits are its targets; the check's own is not used.
  const [read] = readCheck(kinds, { limit: '1%', ...map.data }, 'it', problems);
  return read ?? wrong(`${problems.join('; ')}.`);
});

import * as z from 'zod';
import { isKeptByApiServer, keptHeader } from '../../../cluster/forward.ts';
import { SluiceError } from '../../../core/errors.ts';
import { count, percent } from '../../../core/wording.ts';
import type { Requests } from '../../../drills/ports.ts';
import { requestsToFind } from '../../../judge/looks/detectable.ts';
import type { Arm } from '../../../judge/readings.ts';
import { duration, service } from '../../../runner/input-types.ts';
import { type ControlHeader, followedLoad } from '../../../sources/followed-load.ts';
import { type LoadQuery, loadSource } from '../../../sources/load.ts';
import { mostPerSecond } from '../../../traffic/sender.ts';
import type { LoadTarget } from '../../../traffic/target.ts';
import { type CheckPlace, checkKind, commonSettings } from '../check-kind.ts';
import { checkName, must, scalar } from '../check-list.ts';
import { rateProblem, rateRule, rateSettings, refuse } from '../rules.ts';
import { loadHeaders, loadRate, loadRequests } from './load-requests.ts';

/** Requests a second, milliseconds in which a look sends them, and milliseconds that an answer may take. */
const RATE = 10;
const FOR = 10_000;
const TIMEOUT = 5_000;
/** Milliseconds for sending and the last answer: a look of a gate ends after 30 s. */
const LONGEST_LOOK = 28_000;

const {
  limit,
  tolerance,
  'absolute-tolerance': excess,
  'burst-size': burstSize,
  'must-detect': mustDetect,
} = rateSettings;
const names = z.array(checkName, must('a list of names of checks'));

const settings = z.strictObject({
  check: z.literal('load'),
  ...commonSettings,
  requests: loadRequests,
  rate: loadRate.default(RATE),
  /** Milliseconds. */
  for: scalar.pipe(duration.schema).default(FOR),
  timeout: scalar.pipe(duration.schema).default(TIMEOUT),
  'slower-than': scalar.pipe(duration.schema).optional(),
  url: z.string(must('a URL')).min(1).optional(),
  service: z.string(must('NAME:PORT')).min(1).optional(),
  from: checkName.optional(),
  headers: loadHeaders.default({}),
  'canary-headers': loadHeaders.optional(),
  'answers-with': loadHeaders.default({}),
  'seen-by': names.default([]),
  'not-seen-by': names.default([]),
  limit,
  'relative-to': z.literal('stable', must('stable, or left out')).optional(),
  tolerance,
  'absolute-tolerance': excess,
  'burst-size': burstSize,
  'must-detect': mustDetect,
});
type LoadSettings = z.infer<typeof settings>;

/** The settings of requests of our own. */
export const loadSettings = settings.superRefine(refuse(problemOf));

/** Requests of our own at a steady rate, for services that users ask too seldom. */
export const loadCheck = checkKind({
  kind: 'load',
  schema: loadSettings,
  isStatistical: true,
  ownTraffic: (given) => ({ seenBy: given['seen-by'], notSeenBy: given['not-seen-by'] }),
  example:
    '{check: load, service: "user-service:8080", requests: [GET /healthz, GET /api/users], rate: 20/s, limit: 1%}',
  build(given, place) {
    const source = (arm: Arm) => loadSource(queryOf(given, arm, place), targetOf(given, arm, place), place.world);
    return {
      source: source('canary'),
      rule: rateRule(given, place, { counted: 'own requests', failing: 'failed' }),
      window: place.judging.window,
      ...(given['relative-to'] === 'stable' && { reference: { source: source('stable') } }),
    };
  },
});

/** Requests of our own that are told one by one, while a drill goes on. */
export function followedRequests(given: LoadSettings, place: CheckPlace, control: ControlHeader | undefined): Requests {
  const target = targetOf(given, 'canary', place);
  return followedLoad(queryOf(given, 'canary', place), { target, control }, place.world);
}

/** Whether an address names the version that is asked. */
const namesArm = /\$\{(?:arm|workload|service|version)\}/;

function problemOf(given: LoadSettings): string | undefined {
  const { url, service: named, from, rate, timeout, 'canary-headers': canaryHeaders } = given;
  if ([url, named, from].filter((one) => one !== undefined).length !== 1)
    return 'needs one of "url", "service" (NAME:PORT, through the API server) and "from" (a connection)';
  const isRelative = given['relative-to'] !== undefined;
  const arms = namesArm.test(url ?? named ?? '');
  if (isRelative && !arms && canaryHeaders === undefined)
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder that users write
    return 'asks both versions the same: write ${workload} in "service" or "url", or give the "canary-headers" by which the route picks the canary';
  if (!isRelative && canaryHeaders !== undefined)
    return 'has "canary-headers" without "relative-to: stable": write them as "headers"';
  if (given.for < 1_000) return 'has a "for" of less than 1s';
  if (timeout === 0) return 'has a "timeout" of 0s, in which no answer comes';
  if (given.for + timeout > LONGEST_LOOK) return 'needs "for" and "timeout" to be at most 28s together';
  if ((rate * given.for) / 1_000 < 1) return 'sends no request in the time "for": raise one of "rate" and "for"';
  const slow = given['slower-than'];
  if (slow !== undefined && slow >= timeout) return 'has a "slower-than" that is not below "timeout"';
  if (named !== undefined) return throughApiServerProblem(given);
  if (rate > mostPerSecond.url) return `has a "rate" above ${count(mostPerSecond.url)}/s`;
  return rateProblem(given);
}

function throughApiServerProblem(given: LoadSettings): string | undefined {
  if (given.rate > mostPerSecond.apiServer)
    return `has a "rate" above ${mostPerSecond.apiServer}/s, which is too much for the API server: use "url"`;
  const kept = headersOf(given).find(isKeptByApiServer);
  if (kept !== undefined) return `has the header ${kept}, which the API server keeps for itself: use "url"`;
  return rateProblem(given);
}

function headersOf({ headers, 'canary-headers': canaryHeaders = {}, requests }: LoadSettings): string[] {
  return [headers, canaryHeaders, ...requests.map((request) => request.headers)].flatMap(Object.keys);
}

/** @throws SluiceError `invalid-input` for an address that is none, or can not take so many requests */
function targetOf(given: LoadSettings, arm: Arm, place: CheckPlace): LoadTarget {
  const target = openAddress(given, arm, place);
  if (target.isThroughApiServer && given.rate > mostPerSecond.apiServer)
    throw wrongAddress(
      target.name,
      `takes no more than ${mostPerSecond.apiServer} requests a second through the API server.`,
    );
  const kept = target.isThroughApiServer ? headersOf(given).find(isKeptByApiServer) : undefined;
  if (kept !== undefined) throw keptHeader(kept);
  return target;
}

function openAddress({ url, service: named, from = '' }: LoadSettings, arm: Arm, place: CheckPlace): LoadTarget {
  if (url !== undefined) {
    const address = place.expand(url, arm);
    if (address.startsWith('k8s://')) throw wrongAddress('url of a load check', 'is no http(s) URL.');
    return place.loadTarget({ address });
  }
  if (named === undefined) return place.loadTarget({ connection: from });
  const expanded = place.expand(named, arm);
  const { data } = service.schema.safeParse(expanded);
  if (data?.port === undefined) throw wrongAddress(`service ${expanded}`, 'is not of the form NAME:PORT.');
  const namespace = data.namespace ?? place.cluster().namespace;
  return place.loadTarget({ address: `k8s://${namespace}/${data.name}:${data.port}` });
}

function queryOf(given: LoadSettings, arm: Arm, { judging, world }: CheckPlace): LoadQuery {
  const { headers, 'canary-headers': canaryHeaders = {}, 'answers-with': answersWith, rate } = given;
  const common = { ...headers, ...(arm === 'canary' && canaryHeaders) };
  const isUnseen = given['canary-headers'] !== undefined && Object.keys(answersWith).length === 0;
  const { forecast, warning } = forecastOf(given, judging);
  return {
    requests: given.requests.map((request) => ({ ...request, headers: { ...common, ...request.headers } })),
    rate,
    duration: given.for,
    timeout: given.timeout,
    slowerThan: given['slower-than'],
    answersWith:
      arm === 'canary'
        ? Object.fromEntries(Object.entries(answersWith).map(([name, value]) => [name.toLowerCase(), value]))
        : {},
    mark: world.env.GITHUB_RUN_ID ?? 'local',
    forecast,
    warnings: [
      ...(warning === undefined ? [] : [warning]),
      ...(isUnseen
        ? ['which version answers is not seen: "answers-with" names a header by which answers of the canary show it']
        : []),
    ],
  };
}

/** What the requests can find, told before any is sent. */
function forecastOf(given: LoadSettings, judging: CheckPlace['judging']): { forecast: string; warning?: string } {
  const { limit: highest = 0, 'must-detect': wanted = judging.mustDetect, 'burst-size': designEffect } = given;
  const sought = Math.max(wanted, Math.min(1, 2 * highest));
  const evidence = { limit: Math.log(1 / judging.alpha), designEffect: designEffect ?? judging.designEffect };
  const needed = requestsToFind(sought, given.limit, evidence);
  if (needed === undefined) return { forecast: `no number of them can find a rate of ${percent(sought)}` };
  const forecast = `to find a rate of ${percent(sought)} takes ${count(needed)}`;
  const most = Math.ceil((given.rate * Math.max(given.for, judging.parts * judging.partLength)) / 1_000);
  if (needed <= most) return { forecast };
  return {
    forecast,
    warning: `at most ${count(most)} requests are sent, too few to pass: ${forecast}; raise "rate", or look longer`,
  };
}

function wrongAddress(about: string, problem: string): SluiceError {
  return new SluiceError('invalid-input', { about, problem, next: 'Correct "url", "service" or "rate" of the check.' });
}

import * as z from 'zod';
import { sightingRule } from '../../../judge/looks/value-rules.ts';
import type { RemoteServer } from '../../../remote/connection.ts';
import { duration, service } from '../../../runner/input-types.ts';
import { checkAssertions, probeSource } from '../../../sources/probe.ts';
import { type CheckPlace, checkKind, commonSettings } from '../check-kind.ts';
import { checkName, must, scalar } from '../check-list.ts';
import { breachAfter, refuse } from '../rules.ts';

const value = z.union([z.string(), z.number(), z.boolean(), z.null()], must('a text, a number, true, false or null'));
const limit = z.number(must('a number'));

const assertion = z
  .strictObject({
    path: z.string(must('a JSONPath')).min(1),
    equals: value.optional(),
    'not-equals': value.optional(),
    matches: z.string(must('a regular expression')).min(1).optional(),
    above: limit.optional(),
    below: limit.optional(),
    'at-least': limit.optional(),
    'at-most': limit.optional(),
  })
  .superRefine(({ path, ...asserted }, context) => {
    if (Object.values(asserted).every((one) => one === undefined))
      context.addIssue('needs "equals", "not-equals", "matches", "above", "below", "at-least" or "at-most"');
  });

const status = z.int(must('a status of HTTP')).min(100, must('a status of HTTP')).max(599, must('a status of HTTP'));
/** Statuses of answers that are accepted. */
export const acceptedStatus = z.union(
  [status.transform((one) => [one]), z.array(status).min(1)],
  must('a status, or a list'),
);

interface ProbeSettings {
  readonly url?: string | undefined;
  readonly service?: z.infer<typeof service.schema> | undefined;
  readonly from?: string | undefined;
  readonly path?: string | undefined;
}

/** What a service answers to one GET: its health endpoint. */
export const probeCheck = checkKind({
  kind: 'probe',
  schema: z
    .strictObject({
      check: z.literal('probe'),
      ...commonSettings,
      url: z.url({ protocol: /^https?$/, error: 'must be a URL that begins with http:// or https://' }).optional(),
      service: z.string(must('NAME:PORT')).pipe(service.schema).optional(),
      from: checkName.optional(),
      path: z
        .string(must('a path'))
        .regex(/^\/\S*$/, 'must begin with a slash')
        .optional(),
      status: acceptedStatus.optional(),
      /** Milliseconds. */
      within: scalar.pipe(duration.schema).optional(),
      json: z.array(assertion, must('a list of {path, equals}')).optional(),
      'breach-after': breachAfter.optional(),
    })
    .superRefine(refuse(problemOf)),
  isStatistical: false,
  example:
    '{check: probe, service: "user-service:8080", path: /health, json: [{path: $.status, equals: healthy}], breach-after: 3}',
  verify: ({ json = [] }) => checkAssertions(json),
  build(settings, place) {
    const { status: accepted, within, json = [], 'breach-after': after } = settings;
    const { server, path } = targetOf(settings, place);
    return {
      source: probeSource({ path, status: accepted, within, json }, server, place.world),
      rule: sightingRule({ none: 'it answers as it has to', breachAfter: after }),
      window: place.judging.window,
    };
  },
});

function problemOf({ url, service: named, from, path }: ProbeSettings): string | undefined {
  if ([url, named, from].filter((one) => one !== undefined).length !== 1)
    return 'needs one of "url", "service" (NAME:PORT, through the API server) and "from" (a connection)';
  if (url !== undefined && path !== undefined) return 'has its path in "url": leave "path" out';
  if (url !== undefined && /^https?:\/\/[^/]*@/.test(url))
    return 'has a login in "url": give it in a connection, and name that in "from"';
  if (named && named.port === undefined) return 'needs the port of "service": NAME:PORT';
  return undefined;
}

function targetOf(
  settings: ProbeSettings,
  place: CheckPlace,
): { readonly server: RemoteServer; readonly path: string } {
  const { url, service: named, from = '', path = '/' } = settings;
  if (url !== undefined) {
    const { origin, pathname, search } = new URL(url);
    return { server: place.serverAt('the service at', origin), path: `${pathname}${search}` };
  }
  if (!named) return { server: place.server('the service at', from), path };
  const namespace = named.namespace ?? place.cluster().namespace;
  return { server: place.serverAt('the service at', `k8s://${namespace}/${named.name}:${named.port}`), path };
}

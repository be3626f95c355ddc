import * as z from 'zod';
import type { ConversionContext, WrittenCheck } from './conversion.ts';
import { type Findings, idOf, orAbsent, type Part, scalarField, shown, tellUnknown, textField } from './findings.ts';
import { type BuiltInMetric, builtInMetrics, builtInQuery } from './flagger-queries.ts';
import {
  acceptOf,
  everyNumber,
  intersection,
  isEmpty,
  isEverything,
  type NumberSet,
  numbersThat,
} from './number-set.ts';
import { fillIn, goPlaceholders } from './placeholders.ts';
import { checkOf } from './providers.ts';

const limit = orAbsent(z.number({ error: 'must be a number' }));
export const flaggerMetric = z.looseObject({
  name: textField,
  interval: orAbsent(textField),
  threshold: limit,
  thresholdRange: orAbsent(z.strictObject({ min: limit, max: limit })),
  query: orAbsent(textField),
  templateRef: orAbsent(z.looseObject({ name: textField, namespace: orAbsent(textField) })),
  templateVariables: orAbsent(z.record(z.string(), scalarField)),
});
type Metric = z.infer<typeof flaggerMetric>;

export const metricTemplate = z.looseObject({
  provider: z.looseObject({ type: orAbsent(textField), address: orAbsent(textField) }),
  query: textField,
});
export type Template = z.infer<typeof metricTemplate>;

/** What Flagger takes where a metric has no interval. */
const INTERVAL = '1m';
/** What `objectives-values` calls a flag of Flagger itself. */
const MESH_PROVIDER = 'mesh-provider';
const LEFT_OUT = 'the metric is left out';

/** The Canary that a metric belongs to. */
export interface CanaryPlace {
  readonly about: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly spec: CanarySpec;
  /** By name, and by namespace and name. */
  readonly templates: ReadonlyMap<string, Template>;
  readonly context: ConversionContext;
  readonly findings: Findings;
}

interface Named {
  readonly name?: string | undefined;
}
interface CanarySpec {
  readonly targetRef: {
    readonly name: string;
    readonly kind?: string | undefined;
    readonly apiVersion?: string | undefined;
  };
  readonly ingressRef?: Named | undefined;
  readonly routeRef?: Named | undefined;
  readonly service?: Named | undefined;
  readonly provider?: string | undefined;
}

/** What is asked for a metric, and which answers are accepted. */
interface Question {
  readonly check: string;
  /** With placeholders. */
  readonly query: string;
  readonly accepted: NumberSet;
  /** How the names of the Canary are written in the query, if otherwise. */
  readonly nameAs?: (name: string) => string;
}

type Ask = (given: Metric, part: Part, place: CanaryPlace) => Question | undefined;

/** One metric of a Canary. The meaning is that of Flagger's `runBuiltinMetricChecks` and `runMetricChecks`. */
export function convertMetric(given: Metric, place: CanaryPlace): WrittenCheck[] {
  const { findings } = place;
  const [name, about] = [idOf(place.name, given.name), `${place.about}: metric ${shown(given.name)}`];
  const part = { about, name, findings };
  tellUnknown(given, Object.keys(flaggerMetric.shape), part);
  const asks: readonly Ask[] = [
    ...(isBuiltIn(given.name) ? [askBuiltIn] : []),
    ...(given.query === undefined || given.query.trim() === '' ? [] : [askQuery]),
    ...(given.templateRef ? [askTemplate] : []),
  ];
  if (asks.length === 0) {
    const text = `${about}: has neither a template nor a query`;
    findings.cannotSay.push({ id: `${name}.query`, text, instead: LEFT_OUT });
  }
  // Flagger judges each of them, by the same limits.
  return asks.flatMap((ask, index) => {
    const own = index === 0 ? part : { ...part, name: `${name}.${index + 1}` };
    const question = ask(given, own, place);
    return question ? checkFor(question, given, own, place) : [];
  });
}

function checkFor(question: Question, given: Metric, part: Part, place: CanaryPlace): WrittenCheck[] {
  const { check, accepted } = question;
  if (isEverything(accepted) || isEmpty(accepted)) {
    const limits = given.thresholdRange ? '"thresholdRange"' : '"threshold"';
    part.findings.problems.push(
      `${part.about}: its ${limits} accepts ${isEmpty(accepted) ? 'no value' : 'every value'}`,
    );
    return [];
  }
  const query = fillIn(question.query.trim(), goPlaceholders, valuesFor(question, given, place), part);
  if (query === undefined) return [];
  const window = check === 'promql' ? {} : { window: given.interval ?? INTERVAL };
  return [{ check, name: part.name, query, ...window, accept: acceptOf(accepted) }];
}

/** As in Flagger's `toMetricModel`: what is not named has the name of the target. */
function valuesFor({ nameAs = (name) => name }: Question, given: Metric, place: CanaryPlace) {
  const { spec, context } = place;
  const { namespace = context.values.get('namespace') } = place;
  const target = spec.targetRef.name;
  // The revision of Knative is known to the cluster alone.
  const route = isOfKnative(place) ? context.values.get('route') : (spec.routeRef?.name ?? target);
  const names = {
    name: place.name,
    target,
    service: spec.service?.name ?? target,
    ingress: spec.ingressRef?.name ?? target,
    ...(namespace !== undefined && { namespace }),
    ...(route !== undefined && { route }),
  };
  return new Map([
    ...context.values,
    ...Object.entries(names).map(([field, name]) => [field, nameAs(name)] as const),
    ['interval', given.interval ?? INTERVAL] as const,
    ...Object.entries(given.templateVariables ?? {}).map(([name, value]) => [`variables.${name}`, value] as const),
  ]);
}

function isBuiltIn(name: string): name is BuiltInMetric {
  return builtInMetrics.some((known) => known === name);
}

function askBuiltIn(given: Metric, { about, name, findings }: Part, place: CanaryPlace): Question | undefined {
  if (!isBuiltIn(given.name)) return undefined;
  const provider = providerOf(about, place);
  if (provider === undefined) return undefined;
  const query = builtInQuery(given.name, provider);
  if (query === undefined) {
    const text = `${about}: Flagger has no queries of its own for ${shown(provider)}, and asks for the metrics of Istio; write what is meant as a check: ratio of failed requests, promql of a latency`;
    findings.cannotSay.push({ id: `${name}.query`, text, instead: LEFT_OUT });
    return undefined;
  }
  const accepted = given.name === 'request-duration' ? acceptedDuration(given) : acceptedSuccess(given);
  // Names of routes of Skipper have no other signs.
  const nameAs = provider === 'skipper' ? { nameAs: (text: string) => text.replaceAll(/\W/g, '_') } : {};
  return { check: 'promql', query, accepted, ...nameAs };
}

/** Whose metrics Flagger asks for; undefined, and told, where that depends on how Flagger was started. */
function providerOf(about: string, place: CanaryPlace): string | undefined {
  const { spec, context, findings } = place;
  const started = context.values.get(MESH_PROVIDER);
  if (started === undefined && spec.provider === undefined) {
    findings.problems.push(
      `${about}: nothing says whose metrics Flagger asks for; give its flag -mesh-provider as "objectives-values: ${MESH_PROVIDER}=istio"`,
    );
    return undefined;
  }
  if (started === undefined && !spec.provider?.startsWith('linkerd'))
    findings.remarks.push(
      `${about}: is measured for ${shown(spec.provider ?? '')}; a Flagger that runs with -mesh-provider=linkerd measures for linkerd: say that as "objectives-values: ${MESH_PROVIDER}=linkerd".`,
    );
  const { provider = started ?? '' } = spec;
  const isLinkerd = spec.provider !== undefined && started?.includes('linkerd');
  const asked = isLinkerd ? 'linkerd' : provider;
  return spec.targetRef.kind === 'Service' && !isOfKnative(place) ? `${asked}:service` : asked;
}

function isOfKnative({ spec, context }: CanaryPlace): boolean {
  return [spec.provider, context.values.get(MESH_PROVIDER)].includes('knative');
}

function askQuery(given: Metric): Question {
  return { check: 'promql', query: given.query ?? '', accepted: acceptedOf(given) };
}

function askTemplate(given: Metric, { about, name, findings }: Part, place: CanaryPlace): Question | undefined {
  const { name: ref = '', namespace } = given.templateRef ?? {};
  const template = place.templates.get(`${namespace ?? place.namespace ?? ''}/${ref}`) ?? place.templates.get(ref);
  if (!template) {
    const text = `${about}: its MetricTemplate "${shown(ref)}" is not among the files`;
    findings.cannotSay.push({ id: `${name}.query`, text, instead: LEFT_OUT });
    return undefined;
  }
  const { type = '', address } = template.provider;
  const check = checkOf(type, place.context.kinds);
  if (check === undefined) {
    const text = `${about}: asks ${type === '' ? 'nobody' : shown(type)}, for which there is no check that it could become`;
    findings.cannotSay.push({ id: `${name}.provider`, text, instead: LEFT_OUT });
    return undefined;
  }
  if (address !== undefined)
    findings.remarks.push(`${about}: its address ${shown(address)} is not asked, but that of the gate's inputs.`);
  return { check, query: template.query, accepted: acceptedOf(given) };
}

/** Both limits are accepted themselves; without a range, `threshold` is the highest value, and 0 where it is missing. */
function acceptedOf({ thresholdRange, threshold = 0 }: Metric): NumberSet {
  return thresholdRange ? rangeOf(thresholdRange) : numbersThat('<=', threshold);
}

/** Per cent of requests that succeeded: without a range, `threshold` is the lowest value. */
function acceptedSuccess({ thresholdRange, threshold = 0 }: Metric): NumberSet {
  if (thresholdRange) return rangeOf(thresholdRange);
  return threshold > 0 ? numbersThat('>=', threshold) : everyNumber;
}

/** Flagger cuts durations and their limits to whole milliseconds before it compares them. */
function acceptedDuration({ thresholdRange, threshold = 0 }: Metric): NumberSet {
  const { min, max } = thresholdRange ?? { max: threshold };
  return intersection(
    min === undefined ? everyNumber : numbersThat('>=', Math.trunc(min)),
    max === undefined ? everyNumber : numbersThat('<', Math.trunc(max) + 1),
  );
}

function rangeOf({ min, max }: NonNullable<Metric['thresholdRange']>): NumberSet {
  return intersection(
    min === undefined ? everyNumber : numbersThat('>=', min),
    max === undefined ? everyNumber : numbersThat('<=', max),
  );
}

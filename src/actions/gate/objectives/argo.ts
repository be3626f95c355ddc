import { RE2JS } from 're2js';
import * as z from 'zod';
import { parseDuration } from '../../../core/duration.ts';
import { type Condition, negate, readCondition } from './argo-condition.ts';
import { probeOf } from './argo-web.ts';
import type { Conversion, ConversionContext, Timing } from './conversion.ts';
import {
  type Findings,
  idOf,
  mapField,
  mustBe,
  type ObjectiveDocument,
  objectMeta,
  orAbsent,
  type Part,
  readPart,
  scalarField,
  shown,
  tellUnknown,
  textField,
} from './findings.ts';
import { acceptOf, intersection, isEmpty, isEverything, without } from './number-set.ts';
import { argoPlaceholders, fillIn, type PlaceholderValues } from './placeholders.ts';
import { checkOf } from './providers.ts';

const metric = z.looseObject({
  name: textField,
  interval: orAbsent(textField),
  initialDelay: orAbsent(textField),
  count: orAbsent(scalarField),
  successCondition: orAbsent(textField),
  failureCondition: orAbsent(textField),
  failureLimit: orAbsent(scalarField),
  inconclusiveLimit: orAbsent(scalarField),
  consecutiveErrorLimit: orAbsent(scalarField),
  consecutiveSuccessLimit: orAbsent(scalarField),
  provider: mapField,
});
type Metric = z.infer<typeof metric>;

const template = z.looseObject({
  args: orAbsent(z.array(z.looseObject({ name: textField, value: orAbsent(scalarField) }))),
  metrics: orAbsent(z.array(mapField, mustBe('a list of metrics'))),
  dryRun: orAbsent(z.array(z.looseObject({ metricName: textField }))),
  measurementRetention: orAbsent(z.array(mapField)),
  templates: orAbsent(z.array(z.looseObject({ templateName: textField }))),
});

/** Settings of the providers that become a check. */
const provider = z.looseObject({
  query: textField,
  address: orAbsent(scalarField),
  timeout: z.unknown().optional(),
  insecure: z.unknown().optional(),
  headers: z.unknown().optional(),
  authentication: z.unknown().optional(),
  apiVersion: z.unknown().optional(),
  interval: orAbsent(textField),
});
/** What Argo asks Datadog for, where nothing is said. */
const DATADOG_INTERVAL = '5m';

interface Place {
  readonly about: string;
  readonly name: string;
  readonly values: PlaceholderValues;
  readonly context: ConversionContext;
  readonly findings: Findings;
  readonly isDry: (metric: string) => boolean;
}

/** AnalysisTemplates and ClusterAnalysisTemplates of Argo Rollouts. The meaning is that of its `utils/evaluate`. */
export function convertArgo(
  documents: readonly ObjectiveDocument[],
  context: ConversionContext,
  findings: Findings,
): Conversion {
  const names = new Set(documents.flatMap(({ value }) => objectMeta.safeParse(value).data?.metadata?.name ?? []));
  const converted = documents.map((document) => convertTemplate(document, names, context, findings));
  return {
    checks: converted.flatMap(({ checks }) => checks),
    timings: converted.flatMap(({ timings = [] }) => timings),
  };
}

function convertTemplate(
  { about, value }: ObjectiveDocument,
  names: ReadonlySet<string>,
  context: ConversionContext,
  findings: Findings,
): Conversion {
  const object = readPart(objectMeta, value, about, findings);
  const spec = object && readPart(template, object.spec, about, findings);
  if (!spec) return { checks: [] };
  const name = object.metadata?.name ?? 'analysis';
  tellUnknown(spec, Object.keys(template.shape), { about, name: idOf(name), findings });
  for (const { templateName } of spec.templates ?? []) {
    const [id, text] = [
      idOf(name, templateName),
      `${about}: its template "${shown(templateName)}" is not among the files`,
    ];
    if (!names.has(templateName)) findings.cannotSay.push({ id, text, instead: 'that template is left out' });
  }
  const own = (spec.args ?? []).flatMap((one): (readonly [string, string])[] =>
    one.value === undefined ? [] : [[one.name, one.value]],
  );
  const dry = (spec.dryRun ?? []).flatMap(({ metricName }) => patternOf(metricName, about, findings) ?? []);
  const isDry = (metricName: string) => dry.some((pattern) => pattern.matcher(metricName).find());
  const place = { about, name, values: new Map([...own, ...context.values]), context, findings, isDry };
  const metrics = (spec.metrics ?? []).flatMap((one) => readPart(metric, one, about, findings) ?? []);
  if (metrics.length === 0 && (spec.templates ?? []).length === 0)
    findings.problems.push(`${about}: has no metric, so that nothing is judged`);
  const converted = metrics.map((one) => convertMetric(one, place));
  return {
    checks: converted.flatMap(({ checks }) => checks),
    timings: converted.flatMap(({ timings = [] }) => timings),
  };
}

/** Argo takes the name of a dry run as a pattern that may match anywhere. */
function patternOf(text: string, about: string, { problems }: Findings): RE2JS | undefined {
  try {
    return RE2JS.compile(text.slice(0, 200));
  } catch {
    problems.push(`${about}: "dryRun" has "${shown(text)}", which is no pattern`);
    return undefined;
  }
}

function convertMetric(given: Metric, place: Place): Conversion {
  const { findings } = place;
  const name = given.name === place.name ? idOf(given.name) : idOf(place.name, given.name);
  const about = `${place.about}: metric ${shown(given.name)}`;
  tellUnknown(given, Object.keys(metric.shape), { about, name, findings });
  const fill = (text: string) => fillIn(text, argoPlaceholders, place.values, { about, findings });
  const part = { about, name, findings };
  const isWeb = Object.keys(given.provider).join() === 'web' && place.context.kinds.has('probe');
  const question = isWeb ? probeOf(given, part, fill) : measuredValue(given, part, fill, place.context);
  if (question === undefined) return { checks: [] };
  const limit = failuresOf(given, part, fill) ?? 0;
  if (isWeb && limit > 0) {
    const text = `${about}: accepts ${limit} failures in all, and a probe ("breach-after") counts those in a row`;
    findings.cannotSay.push({ id: `${name}.failureLimit`, text, instead: 'the first one is a breach' });
  }
  const { check: kind, ...settings } = question;
  const check = {
    check: kind,
    name,
    ...settings,
    ...(limit > 0 && !isWeb && { 'accepted-breaches': limit }),
    ...((place.isDry(given.name) || limit === -1) && { 'on-breach': 'warn' }),
  };
  const timing = timingOf(given, { about, name, fill, place });
  return { checks: [check], timings: timing ? [timing] : [] };
}

/** A value that is measured by a query, and what is accepted of it. */
function measuredValue(given: Metric, part: Part, fill: Fill, context: ConversionContext) {
  const asked = askedOf(given.provider, part, fill, context);
  const accept = acceptedOf(given, part, fill);
  return asked && accept && { ...asked, accept };
}

type Fill = (text: string) => string | undefined;

const JOB =
  'runs a Job, and a gate only asks: run it in a step before the gate (actions/kubectl-deploy waits until a Job has succeeded)';

/** What a check asks: its kind, its query and what else it needs. */
function askedOf(given: Metric['provider'], { about, name, findings }: Part, fill: Fill, context: ConversionContext) {
  const [product = 'nobody', ...more] = Object.keys(given);
  const check = more.length === 0 ? checkOf(product, context.kinds) : undefined;
  if (check === undefined) {
    const asks = `asks ${shown([product, ...more].join(' and '))}, for which there is no check that it could become`;
    const text = `${about}: ${product === 'job' ? JOB : asks}`;
    findings.cannotSay.push({ id: `${name}.provider`, text, instead: 'the metric is left out' });
    return undefined;
  }
  const settings = readPart(provider, given[product], about, findings);
  if (!settings) return undefined;
  tellUnknown(settings, Object.keys(provider.shape), { about, name, findings });
  if (settings.address !== undefined)
    findings.remarks.push(
      `${about}: its address ${shown(settings.address)} is not asked, but that of the gate's inputs.`,
    );
  if (settings.headers !== undefined || settings.authentication !== undefined || settings.insecure !== undefined)
    findings.remarks.push(`${about}: how to log in is not read, but said by the gate's inputs.`);
  const query = fill(settings.query.trim());
  const window = check === 'promql' ? undefined : fill(settings.interval ?? DATADOG_INTERVAL);
  return query === undefined ? undefined : { check, query, ...(window !== undefined && { window }) };
}

/** What is accepted of the value; undefined, and told, where that can't be said. */
function acceptedOf(given: Metric, part: Part, fill: Fill): string[] | undefined {
  const { about, name, findings } = part;
  const texts = [given.successCondition, given.failureCondition].map((text = '') => text.trim());
  const read = texts.map((text) => (text === '' ? undefined : conditionOf(text, part, fill)));
  if (read.some((condition, index) => condition === undefined && texts[index] !== '')) return undefined;
  const [success, failure] = read;
  const accepted = success ?? (failure && negate(failure));
  if (!accepted) {
    findings.remarks.push(`${about} has no condition: Argo judges nothing by it, so it is left out.`);
    return undefined;
  }
  if (success && failure) tellInconclusive(success, failure, part);
  const numbers = failure ? intersection(accepted.numbers, without(failure.numbers)) : accepted.numbers;
  if (isSome(success) || isSome(failure && negate(failure))) {
    const text = `${about}: one of several series is enough for its condition, and the gate judges each of them`;
    findings.cannotSay.push({ id: `${name}.series`, text, instead: 'each series has to be as accepted' });
  }
  if (accepted.withoutData && (success?.namesNoData || failure?.namesNoData)) {
    const text = `${about}: its condition takes "no data" or NaN for a success, and for the gate what is not known never passes`;
    findings.cannotSay.push({ id: `${name}.no-data`, text, instead: 'without data the check is undecided' });
  }
  if (isEverything(numbers) || isEmpty(numbers)) {
    findings.problems.push(`${about}: its condition accepts ${isEmpty(numbers) ? 'no value' : 'every value'}`);
    return undefined;
  }
  return acceptOf(numbers);
}

function conditionOf(text: string, { about, name, findings }: Part, fill: Fill): Condition | undefined {
  const filled = fill(text);
  if (filled === undefined) return undefined;
  const condition = readCondition(filled);
  if (condition) return condition;
  const told = `${about}: its condition "${shown(filled)}" is more than a comparison of the result with numbers`;
  findings.cannotSay.push({ id: `${name}.condition`, text: told, instead: 'the metric is left out' });
  return undefined;
}

function isSome(condition: Condition | undefined): boolean {
  return condition?.of === 'some';
}

function tellInconclusive(success: Condition, failure: Condition, { about, name, findings }: Part): void {
  const neither = intersection(without(success.numbers), without(failure.numbers));
  if (isEmpty(neither)) return;
  const text = `${about}: results that are ${acceptOf(neither).join(' or ')} are neither success nor failure`;
  findings.cannotSay.push({ id: `${name}.inconclusive`, text, instead: 'such a result is a breach' });
}

/** Failed measurements that are accepted; -1 for any number of them. */
function failuresOf(given: Metric, { about, name, findings }: Part, fill: Fill): number | undefined {
  if (given.consecutiveErrorLimit !== undefined)
    findings.remarks.push(`${about}: "consecutiveErrorLimit" is not read, but said by input "no-data-patience".`);
  if (given.consecutiveSuccessLimit !== undefined && given.consecutiveSuccessLimit !== '0') {
    const text = `${about}: "consecutiveSuccessLimit" ends it with the first successes, and the gate watches for its whole time`;
    findings.cannotSay.push({ id: `${name}.consecutiveSuccessLimit`, text, instead: 'the gate watches on' });
  }
  const limit = given.failureLimit === undefined ? undefined : fill(given.failureLimit);
  if (limit === undefined || limit === '') return undefined;
  if (/^(?:-1|\d{1,6})$/.test(limit)) return Number(limit);
  findings.problems.push(`${about}: "failureLimit" is no whole number`);
  return undefined;
}

interface MetricPlace {
  readonly about: string;
  readonly name: string;
  readonly fill: Fill;
  readonly place: Place;
}

function timingOf(given: Metric, { about, name, fill, place }: MetricPlace): Timing | undefined {
  const { findings, context } = place;
  const durationOf = (text: string | undefined, field: string) => {
    const filled = text === undefined ? undefined : fill(text);
    const milliseconds = filled === undefined ? undefined : parseDuration(filled);
    if (filled !== undefined && milliseconds === undefined)
      findings.problems.push(`${about}: "${field}" is no duration such as 30s or 5m`);
    return milliseconds;
  };
  const interval = durationOf(given.interval, 'interval');
  const delay = durationOf(given.initialDelay, 'initialDelay');
  if (delay !== undefined && delay > 0) {
    const text = `${about}: waits ${given.initialDelay} before its first measurement; a step before the gate can wait`;
    findings.cannotSay.push({ id: `${name}.initialDelay`, text, instead: 'the first look comes at once' });
  }
  const count = given.count === undefined ? undefined : fill(given.count);
  if (count !== undefined && !/^\d{1,6}$/.test(count)) {
    findings.problems.push(`${about}: "count" is no whole number`);
    return undefined;
  }
  if (interval !== undefined && count === undefined) {
    const text = `${about}: measures every ${given.interval} until the rollout ends, and the gate needs its own end: input "watch"`;
    if (!context.isTimed) findings.cannotSay.push({ id: `${name}.count`, text, instead: 'there is one look' });
    return undefined;
  }
  if (interval === undefined || count === '0' || count === undefined) return { watch: 0, interval: 0 };
  return { watch: (Number(count) - 1) * interval, interval };
}

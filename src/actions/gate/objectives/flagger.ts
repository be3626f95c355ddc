import * as z from 'zod';
import type { Conversion, ConversionContext, WrittenCheck } from './conversion.ts';
import {
  type Findings,
  idOf,
  mapField,
  type ObjectiveDocument,
  objectMeta,
  orAbsent,
  readPart,
  scalarField,
  shown,
  tellUnknown,
  textField,
} from './findings.ts';
import { acceptOf, everyNumber, intersection, isEmpty, isEverything, numbersThat } from './number-set.ts';
import { fillIn, goPlaceholders } from './placeholders.ts';
import { checkOf } from './providers.ts';

const limit = orAbsent(z.number({ error: 'must be a number' }));
const metric = z.looseObject({
  name: textField,
  interval: orAbsent(textField),
  threshold: limit,
  thresholdRange: orAbsent(z.strictObject({ min: limit, max: limit })),
  query: orAbsent(textField),
  templateRef: orAbsent(z.looseObject({ name: textField, namespace: orAbsent(textField) })),
  templateVariables: orAbsent(z.record(z.string(), scalarField)),
});
type Metric = z.infer<typeof metric>;

const named = orAbsent(z.looseObject({ name: orAbsent(textField) }));
const analysis = orAbsent(z.looseObject({ metrics: orAbsent(z.array(mapField)) }));
const canary = z.looseObject({
  targetRef: z.looseObject({ name: textField }),
  ingressRef: named,
  service: named,
  analysis,
  // The name that it had before v1beta1.
  canaryAnalysis: analysis,
});

const template = z.looseObject({
  provider: z.looseObject({ type: orAbsent(textField), address: orAbsent(textField) }),
  query: textField,
});
type Template = z.infer<typeof template>;

/** What Flagger takes where a metric has no interval. */
const INTERVAL = '1m';
/** Metrics that Flagger measures by queries of its own, each of a router. */
const builtIn = ['request-success-rate', 'request-duration'];

interface Place {
  readonly about: string;
  readonly name: string;
  readonly namespace: string | undefined;
  readonly spec: z.infer<typeof canary>;
  /** By name, and by namespace and name. */
  readonly templates: ReadonlyMap<string, Template>;
  readonly context: ConversionContext;
  readonly findings: Findings;
}

/** The metrics of Flagger's Canaries, with their MetricTemplates. The meaning is that of its `runMetricChecks`. */
export function convertFlagger(
  documents: readonly ObjectiveDocument[],
  context: ConversionContext,
  findings: Findings,
): Conversion {
  const templates = new Map<string, Template>();
  const canaries = documents.filter(({ value }) => value.kind === 'Canary');
  for (const { about, value } of documents) {
    if (value.kind !== 'MetricTemplate') continue;
    const object = readPart(objectMeta, value, about, findings);
    const spec = object && readPart(template, object.spec, about, findings);
    const name = object?.metadata?.name ?? '';
    if (!spec) continue;
    tellUnknown(spec, Object.keys(template.shape), { about, name: idOf(name), findings });
    templates.set(name, spec);
    templates.set(`${object.metadata?.namespace ?? ''}/${name}`, spec);
  }
  const checks = canaries.flatMap((document) => convertCanary(document, templates, context, findings));
  if (canaries.length === 0)
    findings.problems.push(
      `${documents.map(({ about }) => about).join(', ')}: a MetricTemplate has no limit, and no Canary among the files uses it; add the Canary, or write its limit as a check`,
    );
  return { checks };
}

function convertCanary(
  { about, value }: ObjectiveDocument,
  templates: ReadonlyMap<string, Template>,
  context: ConversionContext,
  findings: Findings,
): WrittenCheck[] {
  const object = readPart(objectMeta, value, about, findings);
  const spec = object && readPart(canary, object.spec, about, findings);
  if (!spec) return [];
  const { name = 'canary', namespace } = object.metadata ?? {};
  const { metrics } = spec.analysis ?? spec.canaryAnalysis ?? {};
  findings.remarks.push(
    `${about}: only its metrics are read, and one look beyond a limit is a breach; steps, thresholds of failed checks, webhooks and alerts are the matter of actions/canary.`,
  );
  if (!metrics || metrics.length === 0) {
    findings.problems.push(`${about}: its analysis has no metrics`);
    return [];
  }
  const place = { about, name, namespace, spec, templates, context, findings };
  return metrics
    .flatMap((one) => readPart(metric, one, about, findings) ?? [])
    .flatMap((one) => convertMetric(one, place));
}

function convertMetric(given: Metric, place: Place): WrittenCheck[] {
  const { findings, spec } = place;
  const [name, about] = [idOf(place.name, given.name), `${place.about}: metric ${shown(given.name)}`];
  tellUnknown(given, Object.keys(metric.shape), { about, name, findings });
  const template = templateOf(given, about, name, place);
  const accepted = acceptedOf(given);
  if (isEverything(accepted) || isEmpty(accepted)) {
    findings.problems.push(`${about}: its "thresholdRange" accepts ${isEmpty(accepted) ? 'no value' : 'every value'}`);
    return [];
  }
  if (template === undefined) return [];
  const { namespace = place.context.values.get('namespace') } = place;
  const variables = Object.entries(given.templateVariables ?? {}).map(
    ([variable, value]) => [`variables.${variable}`, value] as const,
  );
  const own = [
    ['name', place.name],
    ['target', spec.targetRef.name],
    ['service', spec.service?.name ?? spec.targetRef.name],
    ['interval', given.interval ?? INTERVAL],
    ...(namespace === undefined ? [] : [['namespace', namespace] as const]),
    ...(spec.ingressRef?.name === undefined ? [] : [['ingress', spec.ingressRef.name] as const]),
    ...variables,
  ] as const;
  const values = new Map([...place.context.values, ...own]);
  const query = fillIn(template.query.trim(), goPlaceholders, values, { about, findings });
  if (query === undefined) return [];
  const window = template.check === 'promql' ? {} : { window: given.interval ?? INTERVAL };
  return [{ check: template.check, name, query, ...window, accept: acceptOf(accepted) }];
}

/** Both limits are accepted themselves; without a range, `threshold` is the highest value, and 0 where it is missing. */
function acceptedOf({ thresholdRange, threshold = 0 }: Metric) {
  if (!thresholdRange) return numbersThat('<=', threshold);
  const { min, max } = thresholdRange;
  return intersection(
    min === undefined ? everyNumber : numbersThat('>=', min),
    max === undefined ? everyNumber : numbersThat('<=', max),
  );
}

function templateOf(given: Metric, about: string, name: string, place: Place) {
  const { findings, templates, context } = place;
  const instead = 'the metric is left out';
  if (!given.templateRef) {
    if (given.query !== undefined) return { check: 'promql', query: given.query };
    const text = builtIn.includes(given.name)
      ? `${about}: is measured by a query of Flagger's own, which depends on the router; write it as a check: ratio of failed requests, promql of a latency`
      : `${about}: has neither a template nor a query`;
    findings.cannotSay.push({ id: `${name}.query`, text, instead });
    return undefined;
  }
  const { name: ref, namespace } = given.templateRef;
  const template = templates.get(`${namespace ?? place.namespace ?? ''}/${ref}`) ?? templates.get(ref);
  if (!template) {
    const text = `${about}: its MetricTemplate "${shown(ref)}" is not among the files`;
    findings.cannotSay.push({ id: `${name}.query`, text, instead });
    return undefined;
  }
  const { type = '', address } = template.provider;
  const check = checkOf(type, context.kinds);
  if (check === undefined) {
    const text = `${about}: asks ${type === '' ? 'nobody' : shown(type)}, for which there is no check that it could become`;
    findings.cannotSay.push({ id: `${name}.provider`, text, instead });
    return undefined;
  }
  if (address !== undefined)
    findings.remarks.push(`${about}: its address ${shown(address)} is not asked, but that of the gate's inputs.`);
  return { check, query: template.query };
}

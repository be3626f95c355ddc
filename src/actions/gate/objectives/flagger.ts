import * as z from 'zod';
import type { Conversion, ConversionContext, WrittenCheck } from './conversion.ts';
import {
  type Findings,
  idOf,
  mapField,
  mustBe,
  type ObjectiveDocument,
  objectMeta,
  orAbsent,
  readPart,
  shown,
  tellUnknown,
  textField,
} from './findings.ts';
import { convertMetric, flaggerMetric, metricTemplate, type Template } from './flagger-metric.ts';

const named = orAbsent(z.looseObject({ name: orAbsent(textField) }));
const analysis = orAbsent(z.looseObject({ metrics: orAbsent(z.array(mapField)) }));
const canary = z.looseObject({
  targetRef: z.looseObject({ name: textField, kind: orAbsent(textField), apiVersion: orAbsent(textField) }),
  ingressRef: named,
  routeRef: named,
  service: named,
  provider: orAbsent(textField),
  metricsServer: orAbsent(textField),
  skipAnalysis: orAbsent(z.boolean(mustBe('true or false'))),
  analysis,
  // The name that it had before v1beta1.
  canaryAnalysis: analysis,
});

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
    const spec = object && readPart(metricTemplate, object.spec, about, findings);
    const name = object?.metadata?.name ?? '';
    if (!spec) continue;
    tellUnknown(spec, Object.keys(metricTemplate.shape), { about, name: idOf(name), findings });
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
  tellSettings(spec, about, findings);
  findings.remarks.push(
    `${about}: only its metrics are read, and one look beyond a limit is a breach; steps, thresholds of failed checks, webhooks and alerts are the matter of actions/canary.`,
  );
  if (!metrics || metrics.length === 0) {
    findings.problems.push(`${about}: its analysis has no metrics`);
    return [];
  }
  const place = { about, name, namespace, spec, templates, context, findings };
  return metrics
    .flatMap((one) => readPart(flaggerMetric, one, about, findings) ?? [])
    .flatMap((one) => convertMetric(one, place));
}

function tellSettings(
  { metricsServer, skipAnalysis }: z.infer<typeof canary>,
  about: string,
  { remarks }: Findings,
): void {
  if (metricsServer !== undefined)
    remarks.push(`${about}: its metricsServer ${shown(metricsServer)} is not asked, but that of the gate's inputs.`);
  if (skipAnalysis)
    remarks.push(`${about}: with "skipAnalysis" Flagger promotes without a look at its metrics, and the gate looks.`);
}

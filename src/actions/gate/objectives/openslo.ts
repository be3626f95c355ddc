import * as z from 'zod';
import { formatDuration } from '../../../core/duration.ts';
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
  scalarField,
  shown,
  tellUnknown,
  textField,
} from './findings.ts';
import { budgetOf, ratioCheckOf, tellPeriod } from './objective-check.ts';
import { fillIn, goPlaceholders } from './placeholders.ts';
import { checkOf } from './providers.ts';
import { queryLanguageOf } from './query-language.ts';

const metricSource = z.looseObject({
  metricSourceRef: orAbsent(textField),
  type: orAbsent(textField),
  spec: orAbsent(mapField),
});
const metric = orAbsent(z.looseObject({ metricSource }));
const indicator = z.looseObject({
  description: z.unknown().optional(),
  thresholdMetric: metric,
  ratioMetric: orAbsent(
    z.strictObject({
      counter: z.unknown().optional(),
      good: metric,
      bad: metric,
      total: metric,
      raw: metric,
      rawType: orAbsent(textField),
    }),
  ),
});
type Indicator = z.infer<typeof indicator>;
type Metric = NonNullable<z.infer<typeof metric>>;

const number = z.number(mustBe('a number'));
const objective = z.looseObject({
  displayName: z.unknown().optional(),
  op: orAbsent(z.enum(['lte', 'gte', 'lt', 'gt'], mustBe('lte, gte, lt or gt'))),
  value: orAbsent(number),
  target: orAbsent(number),
  targetPercent: orAbsent(number),
  timeSliceTarget: orAbsent(number),
  timeSliceWindow: orAbsent(scalarField),
});
type Objective = z.infer<typeof objective>;

const slo = z.looseObject({
  description: z.unknown().optional(),
  service: orAbsent(textField),
  indicator: orAbsent(z.looseObject({ spec: mapField })),
  indicatorRef: orAbsent(textField),
  timeWindow: orAbsent(z.array(z.looseObject({ duration: orAbsent(textField) }))),
  budgetingMethod: orAbsent(textField),
  objectives: orAbsent(z.array(mapField)),
  alertPolicies: z.unknown().optional(),
});

const VERSION = 'openslo/v1';
/** What is measured over where nothing is said. */
const PERIOD = '30d';

interface Place {
  readonly about: string;
  readonly name: string;
  readonly period: string;
  readonly sources: ReadonlyMap<string, string>;
  readonly context: ConversionContext;
  readonly findings: Findings;
}

/** SLOs of OpenSLO's version 1, with their SLIs and DataSources. */
export function convertOpenSlo(
  documents: readonly ObjectiveDocument[],
  context: ConversionContext,
  findings: Findings,
): Conversion {
  const sources = new Map<string, string>();
  const slis = new Map<string, Indicator>();
  for (const { about, value } of documents) {
    const object = objectMeta.safeParse(value).data;
    const name = object?.metadata?.name ?? '';
    if (value.kind === 'DataSource') sources.set(name, String(object?.spec.type ?? ''));
    if (value.kind !== 'SLI' || value.apiVersion !== VERSION) continue;
    const spec = readPart(indicator, object?.spec, about, findings);
    if (spec) slis.set(name, spec);
  }
  const slos = documents.filter(({ value }) => value.kind === 'SLO');
  const alerts = documents.filter(({ value }) => String(value.kind).startsWith('Alert'));
  if (alerts.length > 0)
    findings.remarks.push(`${alerts[0]?.about}: alerts are not read, as they stay with who sends them.`);
  if (slos.length === 0)
    findings.problems.push(
      `${documents.map(({ about }) => about).join(', ')}: no SLO among the files says what is accepted`,
    );
  return { checks: slos.flatMap((document) => convertSlo(document, { slis, sources, context, findings })) };
}

interface Documents {
  readonly slis: ReadonlyMap<string, Indicator>;
  readonly sources: ReadonlyMap<string, string>;
  readonly context: ConversionContext;
  readonly findings: Findings;
}

function convertSlo({ about, value }: ObjectiveDocument, { slis, ...documents }: Documents): WrittenCheck[] {
  const { findings } = documents;
  const object = readPart(objectMeta, value, about, findings);
  const name = idOf(object?.metadata?.name ?? 'slo');
  if (value.apiVersion !== VERSION) {
    const text = `${about}: is of ${shown(String(value.apiVersion))}, and only ${VERSION} is read ("oslo convert" makes it of older ones)`;
    findings.cannotSay.push({ id: `${name}.apiVersion`, text, instead: 'the SLO is left out' });
    return [];
  }
  const spec = object && readPart(slo, object.spec, about, findings);
  if (!spec) return [];
  tellUnknown(spec, Object.keys(slo.shape), { about, name, findings });
  const own = spec.indicator && readPart(indicator, spec.indicator.spec, about, findings);
  const sli = own ?? (spec.indicatorRef === undefined ? undefined : slis.get(spec.indicatorRef));
  const objectives = (spec.objectives ?? []).flatMap((one) => readPart(objective, one, about, findings) ?? []);
  if (objectives.length === 0) findings.problems.push(`${about}: has no objective, so that nothing is judged`);
  if (!sli) {
    const text = `${about}: its indicator ${spec.indicatorRef === undefined ? 'is missing' : `"${shown(spec.indicatorRef)}" is not among the files`}`;
    findings.cannotSay.push({ id: `${name}.indicator`, text, instead: 'the SLO is left out' });
    return [];
  }
  const period = spec.timeWindow?.[0]?.duration ?? PERIOD;
  return objectives.flatMap((one, index) => {
    const own = objectives.length === 1 ? name : `${name}.${index + 1}`;
    tellUnknown(one, Object.keys(objective.shape), { about, name: own, findings });
    return convertObjective(one, sli, { ...documents, about, name: own, period });
  });
}

function convertObjective(given: Objective, sli: Indicator, place: Place): WrittenCheck[] {
  const { about, name, findings, context } = place;
  const target = given.targetPercent ?? (given.target === undefined ? undefined : percentOf(given.target));
  if (target === undefined || !(target > 0 && target < 100)) {
    findings.problems.push(`${about}: needs "target" between 0 and 1, or "targetPercent" between 0 and 100`);
    return [];
  }
  if (given.timeSliceTarget !== undefined || given.timeSliceWindow !== undefined) {
    const text = `${about}: counts slices of time, and the gate counts events`;
    findings.cannotSay.push({ id: `${name}.timeSlices`, text, instead: 'its target is one of events' });
  }
  if (sli.thresholdMetric) return thresholdChecks(given, sli.thresholdMetric, target, place);
  const { good, bad, total, raw, rawType } = sli.ratioMetric ?? {};
  if (raw) {
    const query = promqlOf(raw, place);
    if (query === undefined) return [];
    tellPeriod(place.period, context, { about, name, findings });
    const budget = budgetOf(target);
    const isSuccess = rawType === 'success';
    if (!isSuccess && rawType !== 'failure')
      findings.problems.push(`${about}: "rawType" is neither success nor failure`);
    return [{ check: 'promql', name, query, accept: isSuccess ? `>= ${budgetOf(100 - target)}` : `<= ${budget}` }];
  }
  const part = bad ?? good;
  if (!total || !part) {
    findings.problems.push(`${about}: its indicator needs "total" with "good" or "bad", "raw", or a "thresholdMetric"`);
    return [];
  }
  const [whole, some] = [promqlOf(total, place), promqlOf(part, place)];
  if (whole === undefined || some === undefined) return [];
  const { period } = place;
  const counted = { about, name, objective: target, period: shortened(period), total: whole };
  return [ratioCheckOf({ ...counted, part: bad ? { bad: some } : { good: some } }, context, findings)];
}

/** Without the rounding of floating point. */
function percentOf(target: number): number {
  return Number((target * 100).toPrecision(10));
}

/** A period as a check takes it: days or weeks, where a month has 30 days. */
function shortened(period: string): string {
  const [, amount = '', unit = ''] = /^(\d{1,3})([hdwMQY])$/.exec(period) ?? [];
  const days: Readonly<Record<string, number>> = { M: 30, Q: 90, Y: 365 };
  const length = days[unit];
  return length === undefined ? period : `${Number(amount) * length}d`;
}

const operators = { lte: '<=', gte: '>=', lt: '<', gt: '>' } as const;

function thresholdChecks(given: Objective, source: Metric, target: number, place: Place): WrittenCheck[] {
  const { about, name, findings } = place;
  if (given.op === undefined || given.value === undefined) {
    findings.problems.push(`${about}: an objective of a "thresholdMetric" needs "op" and "value"`);
    return [];
  }
  const query = promqlOf(source, place);
  if (query === undefined) return [];
  const text = `${about}: its value has to be as accepted ${target} % of ${shown(place.period)}, and the gate looks while it watches`;
  findings.cannotSay.push({ id: `${name}.target`, text, instead: 'each look has to be as accepted' });
  return [{ check: 'promql', name, query, accept: `${operators[given.op]} ${given.value}` }];
}

/** The query of a metric that Prometheus answers; undefined, and told, for any other. */
function promqlOf({ metricSource: source }: Metric, place: Place): string | undefined {
  const { about, name, findings, context, sources } = place;
  const query = source.spec?.query ?? source.spec?.promql;
  tellUnknown(source.spec ?? {}, ['query', 'promql'], { about, name, findings });
  const type = source.type ?? sources.get(source.metricSourceRef ?? '');
  const text = typeof query === 'string' ? query.trim() : undefined;
  const language = text === undefined ? undefined : queryLanguageOf(text);
  const isOther = type !== undefined && checkOf(type, context.kinds) !== 'promql';
  if (text === undefined || language !== undefined || isOther) {
    const asked = language ?? (isOther ? shown(type) : 'something without a query');
    const told = `${about}: asks ${asked}, where only queries of Prometheus are converted`;
    findings.cannotSay.push({ id: `${name}.provider`, text: told, instead: 'the SLO is left out' });
    return undefined;
  }
  const values = new Map([...context.values, ['window', formatDuration(context.window)]]);
  return fillIn(text, goPlaceholders, values, { about, findings });
}

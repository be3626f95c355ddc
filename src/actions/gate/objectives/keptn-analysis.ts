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
  scalarField,
  shown,
  tellUnknown,
  textField,
} from './findings.ts';
import {
  acceptOf,
  intersection,
  isEmpty,
  type NumberSet,
  noNumber,
  numbersThat,
  type Relation,
  union,
  without,
} from './number-set.ts';
import { fillIn, goPlaceholders } from './placeholders.ts';
import { checkOf } from './providers.ts';
import { readQuantity } from './quantity.ts';
import { queryLanguageOf } from './query-language.ts';

const fixed = orAbsent(z.strictObject({ fixedValue: scalarField }));
const range = orAbsent(z.strictObject({ lowBound: scalarField, highBound: scalarField }));
const operator = z.looseObject({
  lessThan: fixed,
  lessThanOrEqual: fixed,
  greaterThan: fixed,
  greaterThanOrEqual: fixed,
  equalTo: fixed,
  inRange: range,
  notInRange: range,
});
type Operator = z.infer<typeof operator>;

const reference = z.looseObject({ name: textField, namespace: orAbsent(textField) });
const objective = z.looseObject({
  analysisValueTemplateRef: reference,
  target: orAbsent(z.strictObject({ failure: orAbsent(operator), warning: orAbsent(operator) })),
  weight: orAbsent(z.int(mustBe('a whole number')).min(0, mustBe('a whole number from 0 on'))),
  keyObjective: orAbsent(z.boolean(mustBe('true or false'))),
});
const score = z.int(mustBe('a whole number')).min(0).max(100);
const definition = z.looseObject({
  objectives: orAbsent(z.array(mapField)),
  totalScore: z.strictObject({ passPercentage: score, warningPercentage: score }, mustBe('a map')),
});
const valueTemplate = z.looseObject({ provider: reference, query: textField });
const provider = z.looseObject({ type: textField });
const analysis = z.looseObject({ args: orAbsent(z.record(z.string(), scalarField)), timeframe: orAbsent(mapField) });

interface Place {
  readonly templates: ReadonlyMap<string, z.infer<typeof valueTemplate>>;
  /** Kinds of servers by the name of the provider. */
  readonly providers: ReadonlyMap<string, string>;
  readonly context: ConversionContext;
  readonly findings: Findings;
}

/** AnalysisDefinitions of Keptn's metrics operator, with their AnalysisValueTemplates, KeptnMetricsProviders and Analyses. */
export function convertKeptnAnalysis(
  documents: readonly ObjectiveDocument[],
  context: ConversionContext,
  findings: Findings,
): Conversion {
  const specsOf = <T>(kind: string, schema: z.ZodType<T>) =>
    documents.flatMap(({ about, value }): (readonly [string, T])[] => {
      if (value.kind !== kind) return [];
      const object = readPart(objectMeta, value, about, findings);
      const spec = object && readPart(schema, object.spec, about, findings);
      return spec ? [[object.metadata?.name ?? '', spec]] : [];
    });
  const args = specsOf('Analysis', analysis).flatMap(([, spec]) => Object.entries(spec.args ?? {}));
  if (specsOf('Analysis', analysis).some(([, { timeframe }]) => timeframe))
    findings.remarks.push('The "timeframe" of an Analysis has no effect: the gate asks for the time of the look.');
  const place = {
    templates: new Map(specsOf('AnalysisValueTemplate', valueTemplate)),
    providers: new Map(specsOf('KeptnMetricsProvider', provider).map(([name, { type }]) => [name, type])),
    context: { ...context, values: new Map([...args, ...context.values]) },
    findings,
  };
  const definitions = documents.filter(({ value }) => value.kind === 'AnalysisDefinition');
  const conversions = definitions.map((document) => convertDefinition(document, place));
  if (definitions.length === 0)
    findings.problems.push(
      `${documents.map(({ about }) => about).join(', ')}: no AnalysisDefinition among the files says what is accepted`,
    );
  const [first, second] = conversions.flatMap((one) => one.score ?? []);
  if (first && second)
    findings.problems.push(`${first.about} and ${second.about}: each has a score of its own; use a gate for each`);
  return { checks: conversions.flatMap(({ checks }) => checks), ...(first && { score: first }) };
}

function convertDefinition({ about, value }: ObjectiveDocument, place: Place): Conversion {
  const { findings } = place;
  const object = readPart(objectMeta, value, about, findings);
  const spec = object && readPart(definition, object.spec, about, findings);
  if (!spec) return { checks: [] };
  tellUnknown(spec, Object.keys(definition.shape), { about, name: idOf(object.metadata?.name ?? ''), findings });
  const { passPercentage: pass, warningPercentage: warn } = spec.totalScore;
  if (warn >= pass)
    findings.problems.push(`${about}: "warningPercentage" is not below "passPercentage", which Keptn refuses`);
  const objectives = (spec.objectives ?? []).flatMap((one) => readPart(objective, one, about, findings) ?? []);
  if (objectives.length === 0) findings.problems.push(`${about}: has no objective, so that nothing is judged`);
  const checks = objectives.flatMap((one) => convertObjective(one, about, place));
  return { checks, score: { pass, warn, about } };
}

function convertObjective(given: z.infer<typeof objective>, of: string, place: Place): WrittenCheck[] {
  const { findings, context } = place;
  const ref = given.analysisValueTemplateRef.name;
  const [name, about] = [idOf(ref), `${of}: objective ${shown(ref)}`];
  const instead = 'the objective is left out';
  tellUnknown(given, Object.keys(objective.shape), { about, name, findings });
  const failing = setOf(given.target?.failure, about, findings);
  const warned = setOf(given.target?.warning, about, findings);
  const template = place.templates.get(ref);
  if (!template) {
    const text = `${about}: its AnalysisValueTemplate is not among the files`;
    findings.cannotSay.push({ id: `${name}.query`, text, instead });
    return [];
  }
  // What is no PromQL is refused with its place in the query.
  const product = place.providers.get(template.provider.name) ?? queryLanguageOf(template.query) ?? 'prometheus';
  const check = checkOf(product, context.kinds);
  if (check === undefined) {
    const text = `${about}: asks ${shown(product)}, for which there is no check that it could become`;
    findings.cannotSay.push({ id: `${name}.provider`, text, instead });
    return [];
  }
  const query = fillIn(template.query.trim(), goPlaceholders, context.values, { about, findings });
  if (!failing || !warned || query === undefined) return [];
  const weight = given.weight ?? 1;
  if (weight === 0 && given.keyObjective === true)
    findings.problems.push(`${about}: Keptn fails every analysis with a key objective of weight 0; give it a weight`);
  const accept = acceptOf(without(union(failing, warned)));
  const withWarning = intersection(warned, without(failing));
  return [
    {
      check,
      name,
      query,
      accept,
      ...(!isEmpty(withWarning) && { warn: acceptOf(withWarning) }),
      ...(weight > 1 && { weight }),
      ...(weight === 0 && { 'on-breach': 'warn' }),
      ...(given.keyObjective === true && { key: true }),
    },
  ];
}

const relations = {
  lessThan: '<',
  lessThanOrEqual: '<=',
  greaterThan: '>',
  greaterThanOrEqual: '>=',
  equalTo: '=',
} as const satisfies Record<string, Relation>;

/** The numbers that an operator means, both ends of a range included; undefined, and told, where that can't be read. */
function setOf(given: Operator | undefined, about: string, findings: Findings): NumberSet | undefined {
  if (!given) return noNumber;
  const wrong = (problem: string) => {
    findings.problems.push(`${about}: a target ${problem}`);
    return undefined;
  };
  const names = Object.keys(given).filter((name) => given[name] !== undefined);
  const unknown = names.find((name) => !(name in operator.shape));
  if (unknown !== undefined) return wrong(`has the unknown operator "${shown(unknown)}"`);
  if (names.length !== 1) return wrong(`has ${names.length} operators, where Keptn takes one`);
  for (const [name, relation] of Object.entries(relations)) {
    const fixedValue = fixed.safeParse(given[name]).data?.fixedValue;
    if (fixedValue === undefined) continue;
    const limit = readQuantity(fixedValue);
    return limit === undefined ? wrong(`has "${shown(fixedValue)}", which is no number`) : numbersThat(relation, limit);
  }
  const bounds = given.inRange ?? given.notInRange;
  const [low, high] = [readQuantity(bounds?.lowBound ?? ''), readQuantity(bounds?.highBound ?? '')];
  if (low === undefined || high === undefined || low >= high)
    return wrong('has a range without a lower bound below its higher bound');
  const inside = intersection(numbersThat('>=', low), numbersThat('<=', high));
  return given.inRange ? inside : without(inside);
}

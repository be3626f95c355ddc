import * as z from 'zod';
import type { Conversion, ConversionContext, WrittenCheck } from './conversion.ts';
import {
  type Findings,
  idOf,
  mapField,
  mustBe,
  type ObjectiveDocument,
  orAbsent,
  readPart,
  scalarField,
  shown,
  tellUnknown,
  textField,
} from './findings.ts';
import { fillIn, keptnPlaceholders, type PlaceholderValues } from './placeholders.ts';
import { checkOf } from './providers.ts';
import { queryLanguageOf } from './query-language.ts';

const criteriaBlocks = orAbsent(z.array(z.strictObject({ criteria: orAbsent(z.array(scalarField)) })));

const sliFile = z.looseObject({ indicators: z.record(z.string(), textField, mustBe('a map')) });

const sloFile = z.looseObject({
  filter: orAbsent(z.record(z.string(), scalarField)),
  comparison: orAbsent(mapField),
  objectives: orAbsent(z.array(z.union([mapField, z.null()]))),
  total_score: z.strictObject(
    { pass: scalarField, warning: orAbsent(scalarField) },
    mustBe('a map with the score to pass'),
  ),
});

const objective = z.looseObject({
  sli: textField,
  displayName: orAbsent(textField),
  weight: orAbsent(z.int(mustBe('a whole number')).min(0, mustBe('a whole number from 0 on'))),
  key_sli: orAbsent(z.boolean(mustBe('true or false'))),
  pass: criteriaBlocks,
  warning: criteriaBlocks,
});
type Objective = z.infer<typeof objective>;

/** Keptn's `slo.yaml`, with the queries of its `sli.yaml`. The meaning is that of Keptn's lighthouse-service. */
export function convertKeptnSlo(
  documents: readonly ObjectiveDocument[],
  context: ConversionContext,
  findings: Findings,
): Conversion {
  const slis = documents.filter(({ value }) => !('objectives' in value) && 'indicators' in value);
  const slos = documents.filter((document) => !slis.includes(document));
  const queries = queriesOf(slis, findings);
  const conversions = slos.map((document) => convertFile(document, queries, context, findings));
  if (slos.length === 0 && slis.length > 0)
    findings.problems.push(
      `${slis.map(({ about }) => about).join(', ')}: says how to measure, and no slo.yaml among the files says what is accepted`,
    );
  const [score, second] = conversions.flatMap((one) => one.score ?? []);
  if (score && second)
    findings.problems.push(
      `${score.about} and ${second.about}: each has a score of its own; use a gate for each of them`,
    );
  return { checks: conversions.flatMap(({ checks }) => checks), ...(score && { score }) };
}

function queriesOf(documents: readonly ObjectiveDocument[], findings: Findings): ReadonlyMap<string, string> {
  const queries = new Map<string, string>();
  for (const { about, value } of documents) {
    for (const [name, query] of Object.entries(readPart(sliFile, value, about, findings)?.indicators ?? {})) {
      const other = queries.get(name);
      if (other !== undefined && other !== query)
        findings.problems.push(`${about}: "${shown(name)}" is measured in two ways: give one sli.yaml`);
      queries.set(name, query);
    }
  }
  return queries;
}

function convertFile(
  { about, value }: ObjectiveDocument,
  queries: ReadonlyMap<string, string>,
  context: ConversionContext,
  findings: Findings,
): Conversion {
  const file = readPart(sloFile, value, about, findings);
  if (!file) return { checks: [] };
  const known = ['spec_version', ...Object.keys(sloFile.shape), 'name', 'apiVersion', 'kind', 'metadata'];
  tellUnknown(file, known, { about, name: 'slo', findings });
  const score = { pass: scoreOf(file.total_score.pass), warn: scoreOf(file.total_score.warning) ?? Number.NaN };
  if (score.pass === undefined || (file.total_score.warning !== undefined && Number.isNaN(score.warn)))
    findings.problems.push(`${about}: "total_score" is not per cent from 0 to 100`);
  const values = valuesOf(file.filter ?? {}, context);
  const objectives = (file.objectives ?? []).flatMap((one) =>
    one === null ? [] : (readPart(objective, one, about, findings) ?? []),
  );
  if (objectives.length === 0) findings.problems.push(`${about}: has no objective, which Keptn fails`);
  const checks = objectives.flatMap((one) => convertObjective(one, queries, { about, values, context, findings }));
  const pass = score.pass ?? 100;
  return { checks, score: { pass, warn: Number.isNaN(score.warn) ? pass : Math.min(score.warn, pass), about } };
}

function scoreOf(text: string | undefined): number | undefined {
  const [, digits] = /^(\d{1,3}(?:\.\d{1,9})?) {0,3}%?$/.exec(text?.trim() ?? '') ?? [];
  return digits !== undefined && Number(digits) <= 100 ? Number(digits) : undefined;
}

/** Keptn's Prometheus service replaces these, the filters by their name as it is and in capitals. */
function valuesOf(filter: Readonly<Record<string, string>>, { values, window }: ConversionContext): PlaceholderValues {
  const filters = Object.entries(filter).flatMap(([name, value]) => {
    const unquoted = value.replaceAll(/['"]/g, '');
    return [name, name.toUpperCase()].map((written) => [written, unquoted] as const);
  });
  return new Map([['DURATION_SECONDS', `${Math.round(window / 1_000)}s`], ...filters, ...values]);
}

interface Place {
  readonly about: string;
  readonly values: PlaceholderValues;
  readonly context: ConversionContext;
  readonly findings: Findings;
}

function convertObjective(
  { sli, ...settings }: Objective,
  queries: ReadonlyMap<string, string>,
  place: Place,
): WrittenCheck[] {
  const name = idOf(sli);
  const about = `${place.about}: objective ${shown(sli)}`;
  const { findings } = place;
  tellUnknown(settings, Object.keys(objective.shape), { about, name, findings });
  if ((settings.pass ?? []).length === 0) {
    // It has no part in Keptn's score.
    findings.remarks.push(
      `${about} has no "pass" criteria: Keptn shows it and judges nothing by it, so it is left out.`,
    );
    return [];
  }
  const accept = criteriaOf(settings.pass ?? [], about, place);
  const warn = criteriaOf(settings.warning ?? [], about, place);
  const asked = askedOf(sli, name, about, { queries, place });
  if (!accept || !warn || asked === undefined) return [];
  const { comparedWith } = place.context;
  const isRelative = [...accept, ...warn].some((text) => text.includes('reference'));
  if (isRelative && comparedWith === undefined) {
    const instead = 'the objective is left out';
    const text = `${about} compares with former evaluations, which a gate does not keep; "objectives-compared-with: 1d" (the same time a day before) or "stable" can stand for them`;
    findings.cannotSay.push({ id: `${name}.comparison`, text, instead });
    return [];
  }
  return [
    {
      check: asked.check,
      name,
      query: asked.query,
      accept,
      ...(warn.length > 0 && { warn }),
      ...(isRelative &&
        comparedWith !== undefined &&
        (comparedWith === 'stable'
          ? { 'relative-to': 'stable' }
          : { 'relative-to': 'before', before: comparedWith.before })),
      ...((settings.weight ?? 0) > 1 && { weight: settings.weight }),
      ...(settings.key_sli === true && { key: true }),
    },
  ];
}

function askedOf(
  sli: string,
  name: string,
  about: string,
  { queries, place }: { readonly queries: ReadonlyMap<string, string>; readonly place: Place },
): { readonly check: string; readonly query: string } | undefined {
  const { findings, values, context } = place;
  const instead = 'the objective is left out';
  const query = queries.get(sli);
  if (query === undefined) {
    const text = `${about}: no sli.yaml among the files says how "${shown(sli)}" is measured`;
    findings.cannotSay.push({ id: `${name}.query`, text, instead });
    return undefined;
  }
  const product = queryLanguageOf(query) ?? 'prometheus';
  const check = checkOf(product, context.kinds);
  if (check === undefined) {
    const text = `${about}: its query is one of ${product}, for which there is no check that it could become`;
    findings.cannotSay.push({ id: `${name}.provider`, text, instead });
    return undefined;
  }
  const filled = fillIn(query.trim(), keptnPlaceholders, values, { about, findings });
  return filled === undefined ? undefined : { check, query: filled };
}

type Blocks = readonly { readonly criteria?: readonly string[] | undefined }[];

/** Alternatives of a check's `accept`; undefined, and told, where one can't be read. */
function criteriaOf(blocks: Blocks, about: string, { findings }: Place): string[] | undefined {
  const read = blocks.map(({ criteria = [] }) => {
    const written = criteria.map((text) => readCriterion(text) ?? { wrong: text });
    for (const one of written) {
      if (typeof one !== 'string')
        findings.problems.push(`${about}: "${shown(one.wrong)}" is no criterion such as "<600" or "<=+10%"`);
    }
    if (criteria.length === 0)
      findings.problems.push(`${about}: a block without criteria accepts every value; leave it out`);
    return written.filter((one) => typeof one === 'string');
  });
  return read.every((all, index) => all.length > 0 && all.length === blocks[index]?.criteria?.length)
    ? read.map((all) => all.join(' and '))
    : undefined;
}

/**
 * `<600` is absolute; a sign or per cent make a criterion relative, as in Keptn's lighthouse-service (`parseCriteriaString`):
 * `<=+10%`, `>-8%`, `=+1.5`, and `<=10%`, which is an increase.
 */
function readCriterion(text: string): string | undefined {
  const compact = text.slice(0, 100).replaceAll(' ', '');
  const [, operator, sign, amount, percent] =
    /^(<=|<|>=|>|=)([+-]?)(\d{1,30}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,2})?|\.\d{1,30})(%?)$/.exec(compact) ?? [];
  if (operator === undefined) return undefined;
  const value = Number(amount);
  if (sign === '' && percent === '') return `${operator} ${value}`;
  return `${operator} reference ${sign === '-' ? '-' : '+'} ${value}${percent}`;
}

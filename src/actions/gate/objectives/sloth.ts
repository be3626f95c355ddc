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

/** What Sloth generates its rules for, unless it is started with another `--default-slo-period`. */
const PERIOD = '30d';

const file = z.looseObject({
  service: textField,
  labels: z.unknown().optional(),
  slos: orAbsent(z.array(mapField, mustBe('a list'))),
});
const slo = z.looseObject({
  name: textField,
  description: z.unknown().optional(),
  labels: z.unknown().optional(),
  objective: z.union([z.number(), scalarField.transform(Number)], mustBe('a number')),
  sli: z.strictObject({ events: orAbsent(mapField), raw: orAbsent(mapField), plugin: orAbsent(mapField) }),
  alerting: z.unknown().optional(),
});
const events = z
  .strictObject({
    error_query: orAbsent(textField),
    errorQuery: orAbsent(textField),
    total_query: orAbsent(textField),
    totalQuery: orAbsent(textField),
  })
  .transform((given) => ({
    bad: given.error_query ?? given.errorQuery,
    total: given.total_query ?? given.totalQuery,
  }));
const raw = z
  .strictObject({ error_ratio_query: orAbsent(textField), errorRatioQuery: orAbsent(textField) })
  .transform((given) => given.error_ratio_query ?? given.errorRatioQuery);

interface Place {
  readonly about: string;
  readonly service: string;
  readonly context: ConversionContext;
  readonly findings: Findings;
}

/** The objectives of Sloth: its own files, and PrometheusServiceLevels. */
export function convertSloth(
  documents: readonly ObjectiveDocument[],
  context: ConversionContext,
  findings: Findings,
): Conversion {
  const checks = documents.flatMap(({ about, value }) => {
    const spec = 'version' in value ? value : readPart(objectMeta, value, about, findings)?.spec;
    const given = spec && readPart(file, spec, about, findings);
    if (!given) return [];
    const known = ['version', ...Object.keys(file.shape)];
    tellUnknown(given, known, { about, name: idOf(given.service), findings });
    const slos = given.slos ?? [];
    if (slos.length === 0) findings.problems.push(`${about}: has no objective, so that nothing is judged`);
    const place = { about, service: given.service, context, findings };
    return slos.flatMap((one) => readPart(slo, one, about, findings) ?? []).flatMap((one) => convert(one, place));
  });
  return { checks };
}

function convert(given: z.infer<typeof slo>, place: Place): WrittenCheck[] {
  const { service, context, findings } = place;
  const [name, about] = [idOf(service, given.name), `${place.about}: objective ${shown(given.name)}`];
  tellUnknown(given, Object.keys(slo.shape), { about, name, findings });
  if (!(given.objective > 0 && given.objective < 100)) {
    findings.problems.push(`${about}: "objective" is not per cent between 0 and 100`);
    return [];
  }
  const values = new Map([...context.values, ['window', formatDuration(context.window)]]);
  const fill = (text: string) => fillIn(text.trim(), goPlaceholders, values, { about, findings });
  if (given.sli.raw) {
    const query = readPart(raw, given.sli.raw, about, findings);
    if (query === undefined) {
      findings.problems.push(`${about}: has no "error_ratio_query"`);
      return [];
    }
    tellPeriod(PERIOD, context, { about, name, findings });
    const filled = fill(query);
    return filled === undefined
      ? []
      : [{ check: 'promql', name, query: filled, accept: `<= ${budgetOf(given.objective)}` }];
  }
  if (!given.sli.events) {
    const text = `${about}: is measured by ${given.sli.plugin ? 'a plugin of Sloth, which Sluice does not run' : 'nothing that Sluice knows'}`;
    findings.cannotSay.push({ id: `${name}.sli`, text, instead: 'the objective is left out' });
    return [];
  }
  const queries = readPart(events, given.sli.events, about, findings);
  if (queries?.bad === undefined || queries.total === undefined) {
    findings.problems.push(`${about}: needs "error_query" and "total_query"`);
    return [];
  }
  const [bad, total] = [fill(queries.bad), fill(queries.total)];
  if (bad === undefined || total === undefined) return [];
  const { objective } = given;
  return [ratioCheckOf({ about, name, objective, period: PERIOD, total, part: { bad } }, context, findings)];
}

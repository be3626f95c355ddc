import * as z from 'zod';
import { POD_CHECK } from '../../canary/observation/pod-check.ts';
import { nearest } from '../../core/nearest.ts';
import { readYamlDocument } from '../../core/yaml-value.ts';
import { watchKinds } from '../../judge/panel.ts';
import { duration, inputType, listed, number, rate, wrong } from '../../runner/input-types.ts';

const must = (be: string) => ({
  error: ({ input }: { input?: unknown }) => (input === undefined ? 'is missing' : `must be ${be}`),
});
const scalar = z.union([z.string(), z.number()], must('a text or a number')).transform(String);

const onBreach = z.enum(['rollback', 'freeze', 'warn'], must('rollback, freeze or warn'));
const name = z.string(must('a text')).regex(/^[\w.-]+$/, must('letters, digits, - . and _'));
const common = { name: name.optional(), 'on-breach': onBreach.optional() };
/** A check without these settings uses the inputs of the same names. */
const comparison = {
  tolerance: scalar.pipe(number(1).schema).optional(),
  'absolute-tolerance': scalar.pipe(rate.schema).optional(),
  'burst-size': scalar.pipe(number(1).schema).optional(),
};

const kinds = {
  'error-rate': z.strictObject({ check: z.literal('error-rate'), ...common, ...comparison }),
  'max-error-rate': z.strictObject({
    check: z.literal('max-error-rate'),
    ...common,
    limit: scalar.pipe(rate.schema),
    'min-requests': z.int(must('a whole number')).min(1, must('at least 1')).optional(),
  }),
  latency: z.strictObject({
    check: z.literal('latency'),
    ...common,
    ...comparison,
    /** Milliseconds. */
    bound: scalar.pipe(duration.schema),
  }),
  promql: z
    .strictObject({
      check: z.literal('promql'),
      ...common,
      name,
      query: z.string(must('PromQL')),
      above: z.number(must('a number')).optional(),
      below: z.number(must('a number')).optional(),
      'relative-to': z.literal('stable', must('stable, or left out')).optional(),
    })
    .refine(({ above, below }) => (above === undefined) !== (below === undefined), {
      error: 'needs either "above" or "below", the side of the limit that is a breach',
    }),
  unanswered: z.strictObject({ check: z.literal('unanswered'), 'on-breach': onBreach.optional(), ...comparison }),
  pods: z.strictObject({ check: z.literal('pods'), 'on-breach': onBreach.optional() }),
} as const;

type Kind = keyof typeof kinds;

/** One rule as it is written; the panel adds names, units and defaults. */
export type CheckInput = { [K in Kind]: z.infer<(typeof kinds)[K]> }[Kind];

const kindNames = [
  'error-rate',
  'max-error-rate',
  'latency',
  'promql',
  'pods',
  'unanswered',
] as const satisfies readonly Kind[];
const item = z.union([z.string().transform((check) => ({ check })), z.looseObject({ check: z.string() })]);

/** The longest input, in characters. */
const LONGEST = 20_000;

/** A YAML list of checks: `error-rate`, or a map with `check: error-rate` and the settings of the check. */
export const checks = inputType(`a YAML list of ${listed(kindNames)}`, (text): CheckInput[] => {
  if (text.length > LONGEST) {
    const [given, most] = [text.length, LONGEST].map((length) => length.toLocaleString('en'));
    wrong(`has ${given} characters, which is no list of checks: ${most} are the most.`);
  }
  const document = readYamlDocument(text);
  if ('problem' in document) return wrong(`is not YAML: ${document.problem}.`);
  const items = z.array(z.unknown()).safeParse(document.value);
  if (!items.success) return wrong('is not a YAML list; write for example "- check: error-rate".');
  const problems: string[] = [];
  const read = items.data.flatMap((one, index) => readCheck(one, `check ${index + 1}`, problems));
  const named = read.filter(({ check }) => !watchNames.includes(check)).map(nameOf);
  const uses = Map.groupBy([...named, ...watchNames], (name) => name);
  const taken = [...uses].flatMap(([name, all]) => (all.length > 1 ? [name] : []));
  if (taken.length > 0) problems.push(`two checks are called ${listed(taken)}: give each a "name" of its own`);
  if (problems.length > 0) wrong(`${problems.join('; ')}.`);
  if (read.length === 0) wrong('lists no check.');
  return read;
});

/** Names of the checks that always run; other checks must not use them. */
const watchNames: readonly string[] = [...watchKinds, POD_CHECK];

/** The name of a check in log and report. */
function nameOf(check: CheckInput): string {
  if (check.check === 'latency') return check.name ?? `latency of ${check.bound} ms`;
  return ('name' in check ? check.name : undefined) ?? check.check;
}

function readCheck(given: unknown, place: string, problems: string[]): CheckInput[] {
  const parsed = item.safeParse(given);
  const kind = kindNames.find((known) => known === parsed.data?.check);
  if (!parsed.success || kind === undefined) {
    const said = parsed.success ? `"${parsed.data.check}" is not` : 'needs "check", which is';
    problems.push(`${place}: ${said} one of ${listed(kindNames)}`);
    return [];
  }
  const result = kinds[kind].safeParse(parsed.data);
  if (result.success) return [result.data];
  problems.push(...result.error.issues.map((issue) => `${place} (${kind}) ${problemOf(issue, kind)}`));
  return [];
}

function problemOf(issue: z.core.$ZodIssue, kind: Kind): string {
  const known = Object.keys(kinds[kind].shape);
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const meant = nearest(key, known);
    return `has the unknown key "${key}"; ${meant === undefined ? `known are ${known.join(', ')}` : `"${meant}" is near`}`;
  }
  const [key] = issue.path;
  return key === undefined ? issue.message : `"${String(key)}": ${issue.message}`;
}

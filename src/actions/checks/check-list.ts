import * as z from 'zod';
import { nearest } from '../../core/nearest.ts';
import { readYamlDocument } from '../../core/yaml-value.ts';
import { type InputType, inputType, listed, wrong } from '../../runner/input-types.ts';

/** What a value of YAML must be, as errors name it. */
export const must = (be: string) => ({
  error: ({ input }: { input?: unknown }) => (input === undefined ? 'is missing' : `must be ${be}`),
});
/** A text or a number of YAML, which is read as the text of an input is. */
export const scalar = z.union([z.string(), z.number()], must('a text or a number')).transform(String);
export const checkName = z.string(must('a text')).regex(/^[\w.-]+$/, must('letters, digits, - . and _'));

type Kinds<Check> = Readonly<Record<string, z.ZodType<Check>>>;

interface ListOptions<Check> {
  /** The name of a check in log and report; undefined for one that has a name of its own that no other may use. */
  readonly nameOf: (check: Check) => string | undefined;
  /** Names that no check may use. */
  readonly reserved?: readonly string[];
}

/** The longest input, in characters. */
const LONGEST = 20_000;

const item = z.union([z.string().transform((check) => ({ check })), z.looseObject({ check: z.string() })]);

/** A YAML list of checks: the name of a kind, or a map with `check: KIND` and the settings of the check. All that is wrong is told at once. */
export function checkList<Check extends { readonly check: string }>(
  kinds: Kinds<Check>,
  options: ListOptions<Check>,
): InputType<Check[]> {
  const kindNames = Object.keys(kinds);
  return inputType(`a YAML list of ${listed(kindNames)}`, (text): Check[] => {
    if (text.length > LONGEST) {
      const [given, most] = [text.length, LONGEST].map((length) => length.toLocaleString('en'));
      wrong(`has ${given} characters, which is no list of checks: ${most} are the most.`);
    }
    const document = readYamlDocument(text);
    if ('problem' in document) return wrong(`is not YAML: ${document.problem}.`);
    const items = z.array(z.unknown()).safeParse(document.value);
    if (!items.success) return wrong(`is not a YAML list; write for example "- check: ${kindNames[0]}".`);
    const problems: string[] = [];
    const read = items.data.flatMap((one, index) => readCheck(kinds, one, `check ${index + 1}`, problems));
    const { nameOf, reserved = [] } = options;
    const uses = Map.groupBy([...read.flatMap((one) => nameOf(one) ?? []), ...reserved], (name) => name);
    const taken = [...uses].flatMap(([name, all]) => (all.length > 1 ? [name] : []));
    if (taken.length > 0) problems.push(`two checks are called ${listed(taken)}: give each a "name" of its own`);
    if (problems.length > 0) wrong(`${problems.join('; ')}.`);
    if (read.length === 0) wrong('lists no check.');
    return read;
  });
}

/** One item of a list of checks; empty where something is wrong with it, which is added to the problems. */
export function readCheck<Check>(kinds: Kinds<Check>, given: unknown, place: string, problems: string[]): Check[] {
  const kindNames = Object.keys(kinds);
  const parsed = item.safeParse(given);
  const kind = kindNames.find((known) => known === parsed.data?.check);
  const schema = kind === undefined ? undefined : kinds[kind];
  if (!parsed.success || kind === undefined || schema === undefined) {
    const said = parsed.success ? `"${parsed.data.check}" is not` : 'needs "check", which is';
    problems.push(`${place}: ${said} one of ${listed(kindNames)}`);
    return [];
  }
  const result = schema.safeParse(parsed.data);
  if (result.success) return [result.data];
  problems.push(...result.error.issues.map((issue) => `${place} (${kind}) ${problemOf(issue, schema)}`));
  return [];
}

function problemOf(issue: z.core.$ZodIssue, schema: z.ZodType): string {
  if (issue.code === 'unrecognized_keys') {
    const known = keysOf(schema);
    const [key = ''] = issue.keys;
    const meant = nearest(key, known);
    return `has the unknown key "${key}"; ${meant === undefined ? `known are ${known.join(', ')}` : `"${meant}" is near`}`;
  }
  return issue.path.length === 0 ? issue.message : `"${issue.path.join('.')}": ${issue.message}`;
}

function keysOf(schema: z.core.$ZodType): string[] {
  if (schema instanceof z.ZodPipe) return keysOf(schema.in);
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

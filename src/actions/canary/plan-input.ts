import * as z from 'zod';
import { SluiceError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { readYamlDocument } from '../../core/yaml-value.ts';
import type { Plan } from '../../judge/plan.ts';
import { readPlan, refusePlan } from '../../judge/plan-syntax.ts';

/** The longest plan file, in characters: the YAML parser takes seconds for longer nonsense. */
const LONGEST = 20_000;

const token = z
  .union([z.string(), z.number()])
  .transform((value) => String(value).trim())
  // A comma or line break would be read as the start of another step.
  .refine((value) => !/[,\n]/.test(value));

/** One step in YAML: `{weight: 25, for: 2m, to: 10m, early: true, hold: true}`. */
const fields = { weight: token, for: token, to: token, early: z.boolean(), hold: z.boolean() };
const stepFields = z.partialRecord(z.string(), z.unknown());
const stepLine = z.union([z.string(), z.number()]).transform(String);
const planFile = z.union([
  stepLine,
  z.array(z.unknown()),
  z.strictObject({ steps: z.union([stepLine, z.array(z.unknown())]) }),
]);

/**
 * Reads the input `steps`: the line form, or a YAML list.
 *
 * @throws SluiceError `invalid-input` with the corrected line
 */
export function parseSteps(text: string): Plan {
  return /^\s*[-[]\s/.test(text) || text.trimStart().startsWith('[')
    ? parsePlanFile(text, 'input "steps"')
    : lineOnly(text);
}

function lineOnly(text: string): Plan {
  return planOf(text, [], 'input "steps"');
}

/**
 * Reads a plan file: YAML with a list of steps or the line form, at the top or under the key `steps`.
 *
 * @param about how an error names the file
 * @throws SluiceError `invalid-input` with the corrected line
 */
export function parsePlanFile(text: string, about: string): Plan {
  if (text.length > LONGEST) {
    throw new SluiceError('invalid-input', {
      about,
      problem: `has ${text.length.toLocaleString('en')} characters, which is no plan.`,
      next: `Give a file of at most ${LONGEST.toLocaleString('en')}.`,
    });
  }
  const document = readYamlDocument(text);
  if ('problem' in document) {
    throw new SluiceError('invalid-input', {
      about,
      problem: `is not YAML: ${document.problem}.`,
      next: 'Write for example: steps: "5 for 2m, 25 for 5m, 50 for 5m, 100"',
    });
  }
  const parsed = planFile.safeParse(document.value);
  if (!parsed.success) {
    throw new SluiceError('invalid-input', {
      about,
      problem: 'is neither a list of steps, nor a line of them, nor one of both under the only key "steps".',
      next: 'Write for example: steps: "5 for 2m, 25 for 5m, 50 for 5m, 100"',
    });
  }
  const plan = parsed.data;
  const steps = typeof plan === 'object' && 'steps' in plan ? plan.steps : plan;
  if (typeof steps === 'string') return planOf(steps, [], about);
  const problems: string[] = [];
  const lines = steps.map((step, index) => lineOf(step, `step ${index + 1}`, problems));
  return planOf(lines.join(', '), problems, about);
}

/** Parses the line form; an error lists the problems of the original form first. */
function planOf(line: string, formProblems: readonly string[], about: string): Plan {
  const reading = readPlan(line);
  const problems = [...formProblems, ...reading.problems];
  if (problems.length > 0) throw refusePlan(about, { plan: reading.plan, problems });
  return reading.plan;
}

/** The step in the line form, as far as it can be read. */
function lineOf(step: unknown, name: string, problems: string[]): string {
  const line = stepLine.safeParse(step);
  if (line.success) return line.data;
  const given = stepFields.safeParse(step);
  if (!given.success || Array.isArray(step)) {
    problems.push(`${name} is neither a text nor a map of ${Object.keys(fields).join(', ')}`);
    return '';
  }
  const known = Object.keys(fields);
  const meant = Object.fromEntries(
    Object.entries(given.data).map(([key, value]) => {
      if (known.includes(key)) return [key, value];
      const near = nearest(key, known);
      const hint = near === undefined ? `; known are ${known.join(', ')}` : `; "${near}" is near`;
      problems.push(`${name} has the unknown key "${key}"${hint}`);
      return [near ?? key, value];
    }),
  );
  const read = <T>(key: keyof typeof fields, schema: z.ZodType<T>): T | undefined => {
    const value: unknown = meant[key];
    if (value === undefined || value === null) return undefined;
    const parsed = schema.safeParse(value);
    if (!parsed.success) problems.push(`${name} has a "${key}" that can't be read`);
    return parsed.data;
  };
  const to = read('to', fields.to);
  const early = read('early', fields.early);
  if (to !== undefined && early === false)
    problems.push(`${name} has a range of time, which is what "early: false" rules out`);
  const time = read('for', fields.for);
  return [
    read('weight', fields.weight) ?? '',
    ...(time === undefined ? [] : ['for', time]),
    ...(to === undefined ? [] : ['to', to]),
    ...(early ? ['early'] : []),
    ...(read('hold', fields.hold) ? [time === undefined ? 'hold' : 'then hold'] : []),
  ].join(' ');
}

import * as z from 'zod';
import { singleLine } from '../../../core/text.ts';

/** Something of a document that the gate's checks can't say. */
export interface Unsayable {
  /** What the user writes to go on without it: `success-rate.initialDelay`. */
  readonly id: string;
  /** What can't be said, without a point at its end. */
  readonly text: string;
  /** What the gate does in its place, where that is accepted. */
  readonly instead: string;
}

/** What there is to tell of documents that are converted. Every text is one line. */
export interface Findings {
  /** What can't be right: no acceptance helps. */
  readonly problems: string[];
  readonly cannotSay: Unsayable[];
  /** What means the same without it, or is said elsewhere. */
  readonly remarks: string[];
}

export function createFindings(): Findings {
  return { problems: [], cannotSay: [], remarks: [] };
}

/** A part of a document while it is converted. */
export interface Part {
  /** For errors: `canary.yaml, AnalysisTemplate success-rate: metric latency`. */
  readonly about: string;
  /** Its name in the ids of what can't be said. */
  readonly name: string;
  readonly findings: Findings;
}

/** One document of a file. */
export interface ObjectiveDocument {
  /** For errors: `slo.yaml`, `canary.yaml, AnalysisTemplate success-rate`. */
  readonly about: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Reads a part of a document, and tells what is wrong with it. */
export function readPart<T>(
  schema: z.ZodType<T>,
  value: unknown,
  about: string,
  { problems }: Pick<Findings, 'problems'>,
): T | undefined {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues.slice(0, MOST_TOLD))
    problems.push(`${about}: ${path.length === 0 ? message : `"${shown(path.map(String).join('.'))}" ${message}`}`);
  return undefined;
}

/** Problems of one part that are told. */
const MOST_TOLD = 5;

/** Fields that Sluice does not know may change what is meant. */
export function tellUnknown(
  value: Readonly<Record<string, unknown>>,
  known: readonly string[],
  { about, name, findings }: Part,
): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const id = `${name}.${idOf(key)}`;
    findings.cannotSay.push({
      id,
      text: `${about}: the field "${shown(key)}" is not known`,
      instead: 'the gate goes without it',
    });
  }
}

/** A text of a document as errors quote it. */
export function shown(text: string): string {
  const line = singleLine(text.slice(0, 400));
  return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}

/** A name of a document as a check may have it. */
export function idOf(...parts: readonly string[]): string {
  return parts.map((part) => part.slice(0, 100).replace(/[^\w.-]+/g, '-')).join('.') || 'objective';
}

/** What a value must be, as errors name it. */
export const mustBe = (be: string) => ({
  error: ({ input }: { input?: unknown }) => (input === undefined ? 'is missing' : `must be ${be}`),
});
export const textField = z.string(mustBe('a text'));
/** A text, or a number that stands for one. */
export const scalarField = z.union([z.string(), z.number()], mustBe('a text or a number')).transform(String);
export const mapField = z.record(z.string(), z.unknown(), mustBe('a map'));
/** An absent value may be written as null. */
export function orAbsent<T>(schema: z.ZodType<T>) {
  return z
    .union([schema, z.null()])
    .optional()
    .transform((value) => value ?? undefined);
}

/** What Kubernetes writes beside a specification. */
export const objectMeta = z.looseObject({
  metadata: z.looseObject({ name: textField.optional(), namespace: textField.optional() }).optional(),
  spec: mapField,
});

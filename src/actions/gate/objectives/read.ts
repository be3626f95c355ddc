import { stringify } from 'yaml';
import { isRecord } from '../../../core/json.ts';
import { readYamlDocuments } from '../../../core/yaml-value.ts';
import { inputRefusal } from '../../../runner/parse-inputs.ts';
import type { Conversion, ConversionContext, Timing, WrittenCheck } from './conversion.ts';
import { createFindings, type Findings, type ObjectiveDocument, shown, type Unsayable } from './findings.ts';
import { type Format, formats } from './formats.ts';

export interface ObjectiveFile {
  /** As the user names it. */
  readonly name: string;
  readonly text: string;
}

/** What the documents of a user became. */
export interface ReadObjectives {
  /** The checks as the user could write them: a YAML list. */
  readonly written: string;
  /** Scores in per cent, where a document asks for them. */
  readonly score?: { readonly pass: number; readonly warn: number };
  /** How long to watch and how often to look, where the documents say that in one way. */
  readonly timing?: Timing;
  readonly timings: readonly Timing[];
  /** What means the same without it, or is said elsewhere, one sentence each. */
  readonly remarks: readonly string[];
  /** What the user has accepted to go without. */
  readonly leftOut: readonly Unsayable[];
}

/** Characters of one file, and documents of all. */
const LONGEST = 500_000;
const MOST_DOCUMENTS = 500;
/** Things of one kind that an error lists. */
const MOST_TOLD = 30;

/**
 * Converts documents of Keptn, Argo Rollouts, Flagger, OpenSLO and Sloth into checks of the gate. Nothing is dropped in silence.
 *
 * @param accepted what may be left out, by the names that the refusal gives
 * @throws SluiceError `invalid-input` that names all that can't be read or said, and every acceptance that means nothing
 */
export function readObjectives(
  files: readonly ObjectiveFile[],
  context: ConversionContext,
  accepted: readonly string[] = [],
): ReadObjectives {
  const findings = createFindings();
  const documents = files.flatMap((file) => documentsOf(file, findings));
  if (documents.length > MOST_DOCUMENTS) findings.problems.push(`there are more than ${MOST_DOCUMENTS} documents`);
  const known =
    findings.problems.length === 0 ? recognise(documents, findings) : new Map<Format, ObjectiveDocument[]>();
  const conversions = [...known].map(([format, those]) => format.convert(those, context, findings));
  const { checks, score } = together(conversions, findings);
  const timings = distinct(conversions.flatMap(({ timings: given = [] }) => given));
  if (checks.length === 0 && findings.problems.length === 0 && findings.cannotSay.length === 0)
    findings.problems.push('no document says anything that a gate could judge');
  const cannotSay = [...new Map(findings.cannotSay.map((one) => [one.id, one])).values()];
  refuse({ ...findings, cannotSay }, accepted, checks.length > 0);
  const [timing, other] = timings;
  return {
    written: stringify(checks, { lineWidth: 0 }),
    ...(score && { score }),
    ...(timing && !other && { timing }),
    timings,
    remarks: [...new Set(findings.remarks)],
    leftOut: cannotSay,
  };
}

function documentsOf({ name, text }: ObjectiveFile, { problems }: Findings): ObjectiveDocument[] {
  if (text.length > LONGEST) {
    problems.push(`${shown(name)}: has more than ${LONGEST.toLocaleString('en')} characters`);
    return [];
  }
  return readYamlDocuments(text).flatMap((document) => {
    if ('problem' in document) {
      problems.push(`${shown(name)}: is not YAML: ${document.problem}`);
      return [];
    }
    return objectsOf(document.value).map((value) => ({ about: aboutOf(name, value), value }));
  });
}

/** The objects of a document: one, those of a list, or none where it is empty. */
function objectsOf(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) return value.flatMap((one) => (isRecord(one) ? [one] : []));
  if (!isRecord(value)) return [];
  return typeof value.kind === 'string' && value.kind.endsWith('List') && Array.isArray(value.items)
    ? objectsOf(value.items)
    : [value];
}

function aboutOf(file: string, { kind, metadata }: Readonly<Record<string, unknown>>): string {
  const name = isRecord(metadata) && typeof metadata.name === 'string' ? ` ${metadata.name}` : '';
  return shown(typeof kind === 'string' ? `${file}, ${kind}${name}` : file);
}

function recognise(documents: readonly ObjectiveDocument[], findings: Findings): Map<Format, ObjectiveDocument[]> {
  const known = new Map<Format, ObjectiveDocument[]>();
  const others: string[] = [];
  for (const document of documents) {
    const format = formats.find(({ isOf }) => isOf(document.value));
    if (format) known.set(format, [...(known.get(format) ?? []), document]);
    else others.push(document.about);
  }
  const read = formats.map(({ name }) => name).join(', ');
  if (known.size === 0)
    findings.problems.push(
      `${others.length === 0 ? 'the files are empty' : `${listOf(others)}: no objectives`}; read are ${read}`,
    );
  else if (others.length > 0) findings.remarks.push(`Not read, as they are no objectives: ${listOf(others)}.`);
  return known;
}

function listOf(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  return `${names.slice(0, 5).join('; ')}${more}`;
}

/** Beside objectives with a score, all others have to hold by themselves: they are key checks that add nothing to the score. */
function together(conversions: readonly Conversion[], findings: Findings) {
  const [score, second] = conversions.flatMap((one) => one.score ?? []);
  if (score && second)
    findings.problems.push(`${score.about} and ${second.about}: each has a score of its own; use a gate for each`);
  const checks = conversions.flatMap(({ checks: some, score: own }) =>
    score && !own
      ? some.map((one): WrittenCheck => ({ ...one, ...(one['on-breach'] !== 'warn' && { key: true, weight: 0 }) }))
      : some,
  );
  return { checks, score: score && { pass: score.pass, warn: score.warn } };
}

function distinct(timings: readonly Timing[]): Timing[] {
  return [...new Map(timings.map((one) => [`${one.watch}/${one.interval}`, one])).values()];
}

function refuse({ problems, cannotSay }: Findings, accepted: readonly string[], hasChecks: boolean): void {
  const refused = cannotSay.filter(({ id }) => !accepted.includes(id));
  const unknown = accepted.filter((id) => !cannotSay.some((one) => one.id === id));
  const told = [
    ...problems.slice(0, MOST_TOLD).map((problem) => `Input "objectives": ${problem}.`),
    ...refused
      .slice(0, MOST_TOLD)
      .map(
        ({ id, text, instead }) =>
          `Input "objectives" can't be said as checks: ${text}. With "objectives-accept: ${id}", ${instead}.`,
      ),
    ...(problems.length === 0 ? unknown : []).map(
      (id) => `Input "objectives-accept": "${shown(id)}" is nothing that the files have: take it out.`,
    ),
  ];
  if (problems.length + refused.length > told.length)
    told.push('There is more of it, which is told once this is mended.');
  if (told.length === 0 && !hasChecks)
    told.push('Input "objectives": with all that "objectives-accept" names left out, nothing is judged.');
  if (told.length > 0) throw inputRefusal(told, 'gate');
}

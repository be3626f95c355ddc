import type * as z from 'zod';
import { nearest } from '../../../../core/nearest.ts';
import { excerpt } from '../../../../core/text.ts';
import { quoted } from './fields.ts';
import { oldForm } from './old-forms.ts';

/** The most problems of one object that are told. */
const MOST_PROBLEMS = 8;

/**
 * What is wrong with a value, one sentence each without a full stop: `spec.delay.latency is missing`.
 *
 * @param root where the value stands: `spec`, `spec.target`
 * @param known names of fields that a mistyped one may have meant, by the path of their object
 */
export function problemsOf(error: z.ZodError, root: string, known: readonly string[] = []): string[] {
  const all = error.issues.flatMap((issue) => sentencesOf(issue, root, known));
  const rest = all.length - MOST_PROBLEMS;
  return rest > 0 ? [...all.slice(0, MOST_PROBLEMS), `${rest} more`] : all;
}

function sentencesOf(issue: z.core.$ZodIssue, root: string, known: readonly string[]): string[] {
  const place = placeOf(root, issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => `${place} has no field ${quoted(key)}${adviceFor(key, known)}`);
  }
  if (issue.code === 'invalid_union') return [`${place} has a form that can't be read`];
  return [`${place} ${issue.message}`];
}

function adviceFor(key: string, known: readonly string[]): string {
  const old = oldForm(key);
  if (old !== undefined) return `: ${old}`;
  const meant = nearest(key, known) ?? known.find((name) => name.toLowerCase() === key.toLowerCase());
  return meant === undefined ? '' : `; did you mean "${meant}"?`;
}

function placeOf(root: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return `${text}.${excerpt(String(part), 60)}`;
  }, root);
}

import type * as z from 'zod';
import { SluiceError } from '../core/errors.ts';
import type { KubernetesObject } from './schema.ts';

const CORRECT =
  'Correct this field, or update the definitions of its kind, so that the API server refuses such an object.';

/**
 * Reads the needed fields of an object that somebody else has written. Where a definition has no schema, the cluster accepts
 * any form.
 *
 * @throws SluiceError `unsupported` with the object's name and the malformed field
 */
export function readObject<S extends z.ZodType>(object: KubernetesObject, shape: S): z.infer<S> {
  const { kind, metadata } = object;
  const place = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
  return readPart(object, shape, `${kind} ${place}`);
}

/**
 * As `readObject`, for a part of an object.
 *
 * @param about as the user would name it
 * @param next what the user can do about it
 */
export function readPart<S extends z.ZodType>(part: unknown, shape: S, about: string, next = CORRECT): z.infer<S> {
  const parsed = shape.safeParse(part);
  if (parsed.success) return parsed.data;
  throw new SluiceError('unsupported', {
    about,
    problem: `has a form that can't be read: ${describeIssue(parsed.error.issues[0])}.`,
    next,
  });
}

/** `spec.http[0].route is no array` */
function describeIssue(issue: z.core.$ZodIssue | undefined): string {
  const path = (issue?.path ?? []).reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
  const field = path === '' ? 'it' : path;
  if (issue?.code !== 'invalid_type') return `${field} is of another kind than usual`;
  if (issue.message.endsWith('undefined')) return `${field} is missing`;
  return `${field} is no ${issue.expected === 'record' ? 'object' : issue.expected}`;
}

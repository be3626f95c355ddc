import * as z from 'zod';
import type { ApiError } from '../cluster/errors.ts';
import { describe } from '../cluster/resources.ts';
import { type ErrorCode, SluiceError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import { endsOf } from '../core/text.ts';
import type { DeployObject } from './objects.ts';

/** An object that the API server would refuse. */
export interface Refusal {
  readonly object: DeployObject;
  readonly error: ApiError;
}

/** One error for all refused objects. */
export function refused(refusals: readonly Refusal[]): SluiceError {
  const explained = refusals.map(({ object, error }) => ({ object, ...explain(error) }));
  const lines = explained.map(
    ({ object, problem, next }) => `- ${describe(object.reference)} (${object.source}): ${problem} ${next}`,
  );
  const codes = new Set(explained.map(({ code }) => code));
  const [code = 'invalid-input'] = codes.size === 1 ? codes : [];
  const count = refusals.length === 1 ? 'one object' : `${refusals.length} objects`;
  return new SluiceError(code, {
    about: 'manifests',
    problem: `the API server would refuse ${count}:\n${lines.join('\n')}\n`,
    next: 'Nothing was changed.',
  });
}

const refusalBody = z.looseObject({
  message: z.string().default(''),
  details: z
    .looseObject({
      causes: z
        .array(
          z.looseObject({
            reason: z.string().default(''),
            message: z.string().default(''),
            field: z.string().default(''),
          }),
        )
        .default([]),
    })
    .prefault({}),
});

interface Explanation {
  readonly code: ErrorCode;
  readonly problem: string;
  readonly next: string;
}

/** What a refusal of an apply means, and what to do about it. */
export function explain(error: ApiError): Explanation {
  const { message, details } = parseBody(error.body);
  const said = endsOf(message === '' ? error.problem : message);
  const conflicts = details.causes.filter(({ reason }) => reason === 'FieldManagerConflict');
  if (conflicts.length > 0) {
    const fields = Map.groupBy(conflicts, (cause) => managerIn(cause.message));
    const owners = [...fields].map(
      ([manager, causes]) => `${manager} owns ${causes.map(({ field }) => field).join(', ')}`,
    );
    const isOfRoles = [...fields.keys()].every((manager) => manager.includes('clusterrole-aggregation-controller'));
    if (isOfRoles) {
      const next = 'Leave "rules" out of it: of a ClusterRole with an aggregationRule, the cluster writes them.';
      return { code: 'conflict', problem: `${owners.join('; ')}.`, next };
    }
    return {
      code: 'conflict',
      problem: `${owners.join('; ')}.`,
      next: 'Leave these fields out of the manifest, or take them over with "force-conflicts: true"; a controller that owns them writes its own values again.',
    };
  }
  if (/exceeded quota/.test(said)) {
    return { code: 'invalid-input', problem: `${said}.`, next: 'Ask for less, or raise the ResourceQuota.' };
  }
  if (/field is immutable|may not change|updates to .* are forbidden|cannot change/i.test(said)) {
    return {
      code: 'invalid-input',
      problem: `${said}.`,
      next: 'This field can not be changed in place: keep its value, or give the object another name.',
    };
  }
  const schema = /failed to create typed patch object \([^)]*\): (.*)/s.exec(said)?.[1];
  if (schema !== undefined) {
    // The API server prints values in Go syntax.
    const problem = schema
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .join('; ')
      .replaceAll(/&value\.valueUnstructured\{Value:(.{0,200}?)\}/g, '$1');
    return { code: 'invalid-input', problem: `${problem}.`, next: schemaAdvice(schema) };
  }
  if (/^namespaces "[^"]*" not found/.test(said)) {
    return { code: 'not-found', problem: 'its namespace does not exist.', next: 'Create it, or check its name.' };
  }
  if (/admission webhook|denied the request|violates PodSecurity/.test(said)) {
    return {
      code: 'invalid-input',
      problem: `${said}.`,
      next: 'A rule of this cluster forbids it; its message says what.',
    };
  }
  return { code: error.code === 'conflict' ? 'invalid-input' : error.code, problem: error.problem, next: error.next };
}

function schemaAdvice(said: string): string {
  if (said.includes('field not declared')) return 'Check its spelling and its place.';
  return said.includes('expected string') ? 'Put the value into quotes.' : 'Write a value of that type.';
}

function managerIn(message: string): string {
  return /conflict with ("[^"]*"(?: with subresource "[^"]*")?)/.exec(endsOf(message))?.[1] ?? 'another manager';
}

/** The words of the API server. */
export function saidIn({ body }: ApiError): string {
  return endsOf(parseBody(body).message);
}

function parseBody(body: string): z.infer<typeof refusalBody> {
  try {
    return refusalBody.parse(parseJson(body));
  } catch {
    // A body that is no Status tells nothing that the error does not say.
    return { message: '', details: { causes: [] } };
  }
}

import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { type ErrorCode, isSluiceError, SluiceError } from '../canary/errors.ts';
import type { Json, PlannedWrite } from '../canary/ports.ts';
import {
  ApiError,
  type ApplyOptions,
  FIELD_MANAGER,
  type KubernetesClient,
  type KubernetesObject,
} from '../kubernetes/client.ts';
import { describe, resources } from '../kubernetes/resources.ts';
import { type DeployObject, identityOf } from './objects.ts';

/** What applying an object would change. */
export interface ObjectChange {
  readonly object: DeployObject;
  readonly action: 'create' | 'update' | 'unchanged';
  /** As it is now. */
  readonly found: KubernetesObject | undefined;
  /** For the diff; undefined where nothing changes. */
  readonly write: PlannedWrite | undefined;
  /** It must be applied: something changes, be it only who owns a field. */
  readonly needed: boolean;
  /** False where the API server could not be asked yet: what the object needs (its namespace, its kind) is applied with it. */
  readonly checked: boolean;
}

/** Requests that are under way at the same time. */
const PARALLEL = 8;

/** Does the same for each item, so many at a time. */
export async function inParallel<T, R>(
  items: readonly T[],
  act: (item: T) => Promise<R>,
  most = PARALLEL,
): Promise<R[]> {
  const results = new Map<number, R>();
  const queue = items.entries();
  const work = async () => {
    for (const [index, item] of queue) results.set(index, await act(item));
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, work));
  return [...results].toSorted(([a], [b]) => a - b).map(([, result]) => result);
}

export interface PlanOptions extends Pick<ApplyOptions, 'force' | 'fieldManager'> {
  /** A namespace that is created first. */
  readonly newNamespace?: string | undefined;
}

/**
 * Asks the API server what each object would become, and writes nothing (server-side apply with `dryRun=All`, which runs
 * defaults, validation, quota and admission).
 *
 * @throws SluiceError, one for all objects that it would refuse: `conflict` where fields belong to other managers,
 *   `forbidden` for rights, else `invalid-input`
 */
export async function planChanges(
  client: Pick<KubernetesClient, 'find' | 'apply'>,
  objects: readonly DeployObject[],
  options: PlanOptions,
  signal: AbortSignal,
): Promise<ObjectChange[]> {
  const { newNamespace } = options;
  const alongside = new Set(objects.map(({ reference }) => identityOf(reference)));
  if (newNamespace !== undefined) alongside.add(namespaceIdentity(newNamespace));
  const refusals: Refusal[] = [];
  const changes = await inParallel(objects, async (object) => {
    try {
      return [await planChange(client, object, options, alongside, signal)];
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refusals.push({ object, error });
      return [];
    }
  });
  if (refusals.length > 0) throw refused(refusals);
  return changes.flat();
}

async function planChange(
  client: Pick<KubernetesClient, 'find' | 'apply'>,
  object: DeployObject,
  { force = false, fieldManager = FIELD_MANAGER }: PlanOptions,
  alongside: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ObjectChange> {
  const { reference, manifest } = object;
  const found = await client.find(reference, signal);
  const applied = await dryRun();
  const before = found && comparable(found);
  const after = comparable(applied ?? manifest);
  const action = !found ? 'create' : isDeepStrictEqual(before, after) ? 'unchanged' : 'update';
  const needed = action !== 'unchanged' || !applied || !found || ownership(found) !== ownership(applied);
  const write =
    action === 'unchanged'
      ? undefined
      : ({ object: describe(reference), action, before, after } satisfies PlannedWrite);
  return { object, action, found, write, needed, checked: applied !== undefined };

  async function dryRun(): Promise<KubernetesObject | undefined> {
    try {
      return await client.apply(reference.type, manifest, signal, { force, fieldManager, dryRun: true, strict: true });
    } catch (error) {
      if (!found && isSluiceError(error, 'not-found') && comesAlong(object, alongside)) return undefined;
      throw error;
    }
  }

  function ownership({ metadata }: KubernetesObject): string {
    const own = metadata.managedFields?.find(
      ({ manager, operation, subresource }) =>
        manager === fieldManager && operation === 'Apply' && subresource === undefined,
    );
    return JSON.stringify(own?.fieldsV1 ?? null);
  }
}

/** Its namespace or the definition of its kind is among the objects that are applied with it. */
function comesAlong({ reference: { type, namespace } }: DeployObject, alongside: ReadonlySet<string>): boolean {
  const group = type.apiVersion.split('/')[0] ?? '';
  const definition = `apiextensions.k8s.io/CustomResourceDefinition//${type.plural}.${group}`;
  return alongside.has(namespaceIdentity(namespace)) || alongside.has(definition);
}

function namespaceIdentity(name: string): string {
  return identityOf({ type: resources.namespace, namespace: '', name });
}

/** What the API server itself keeps in each object. */
const kept = new Set([
  'managedFields',
  'resourceVersion',
  'generation',
  'uid',
  'creationTimestamp',
  'selfLink',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
]);

const jsonObject = z.record(z.string(), z.json());

/** An object without what the API server and controllers keep in it: equal for two that a user would call the same. */
export function comparable(object: { readonly [field: string]: unknown }): { readonly [field: string]: Json } {
  const {
    status: _,
    apiVersion = '',
    kind = '',
    metadata = {},
    ...rest
  } = jsonObject.parse(JSON.parse(JSON.stringify(object)));
  const own = Object.entries(jsonObject.parse(metadata)).filter(([field]) => !kept.has(field));
  return { apiVersion, kind, metadata: Object.fromEntries(own), ...rest };
}

interface Refusal {
  readonly object: DeployObject;
  readonly error: ApiError;
}

function refused(refusals: readonly Refusal[]): SluiceError {
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
function explain(error: ApiError): Explanation {
  const { message, details } = parseBody(error.body);
  const said = message === '' ? error.problem : message;
  const conflicts = details.causes.filter(({ reason }) => reason === 'FieldManagerConflict');
  if (conflicts.length > 0) {
    const fields = Map.groupBy(conflicts, (cause) => managerIn(cause.message));
    const owners = [...fields].map(
      ([manager, causes]) => `${manager} owns ${causes.map(({ field }) => field).join(', ')}`,
    );
    return {
      code: 'conflict',
      problem: `${owners.join('; ')}.`,
      next: 'Leave these fields out of the manifest, or take them over with "force-conflicts: true".',
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
    // The server shows Go's own form of a value.
    const problem = schema
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .join('; ')
      .replaceAll(/&value\.valueUnstructured\{Value:(.*?)\}/g, '$1');
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
  return /conflict with ("[^"]*"(?: with subresource "[^"]*")?)/.exec(message)?.[1] ?? 'another manager';
}

function parseBody(body: string): z.infer<typeof refusalBody> {
  try {
    return refusalBody.parse(JSON.parse(body));
  } catch {
    // What is no Status says nothing more than the error has already.
    return { message: '', details: { causes: [] } };
  }
}

import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import type { KubernetesClient } from '../cluster/client.ts';
import { ApiError } from '../cluster/errors.ts';
import { describe } from '../cluster/resources.ts';
import { type ApplyOptions, FIELD_MANAGER, type KubernetesObject, kubernetesObject } from '../cluster/schema.ts';
import type { Json } from '../core/json.ts';
import { jsonSchema, parseJson, stringifyJson } from '../core/json.ts';
import { inParallel } from '../core/parallel.ts';
import type { PlannedWrite } from '../core/planned-write.ts';
import { type ComingObject, type DryRunRefusal, reasonToWait } from './dependencies.ts';
import { type DeployObject, isAggregated } from './objects.ts';
import { explain, type Refusal, refused, saidIn } from './refusals.ts';

/** What applying an object would change. */
export interface ObjectChange {
  readonly object: DeployObject;
  readonly action: 'create' | 'update' | 'unchanged';
  /** The object as it is in the cluster now. */
  readonly found: KubernetesObject | undefined;
  /** For the diff; undefined where nothing changes. */
  readonly write: PlannedWrite | undefined;
  /** The object must be applied, even if only the ownership of a field changes. */
  readonly needed: boolean;
  /** Why the API server could not say what the object will become: a sentence that begins in lower case. */
  readonly unchecked: string | undefined;
}

export interface PlanOptions extends Pick<ApplyOptions, 'force' | 'fieldManager'> {
  /** Objects that are created with this set but are not part of it: a namespace, custom resource definitions. */
  readonly alongside?: readonly DeployObject[];
  /** How the objects will be written; default `apply`. Writes by `patch` are not held to the rules of server-side apply. */
  readonly by?: 'apply' | 'patch';
}

type PlanClient = Pick<KubernetesClient, 'find' | 'create' | 'apply'>;

/**
 * Asks the API server by a dry run (defaults, validation, quota, admission) what each object would become, and writes nothing.
 * Each dry run knows only its own object: a refusal does not count where the rest of the set brings what the object needs.
 *
 * @throws SluiceError, one for all objects that the API server would refuse: `conflict` where fields belong to other managers,
 *   `forbidden` for rights, else `invalid-input`
 */
export async function planChanges(
  client: PlanClient,
  objects: readonly DeployObject[],
  options: PlanOptions,
  signal: AbortSignal,
): Promise<ObjectChange[]> {
  const asked = await inParallel(objects, (object) => ask(client, object, options, signal));
  const coming: ComingObject[] = [
    ...(options.alongside ?? []).map((object) => ({ object, isNew: true })),
    ...asked.flatMap(({ change }) => (change.action === 'unchanged' ? [] : [comingOf(change)])),
  ];
  const refusals: Refusal[] = [];
  const changes = asked.flatMap(({ change, error }) => {
    if (!error) return [change];
    const unchecked = isTyped(error, options) ?? reasonToWait(change.object, refusalOf(error), coming);
    if (unchecked !== undefined) return [{ ...change, unchecked }];
    refusals.push({ object: change.object, error });
    return [];
  });
  if (refusals.length > 0) throw refused(refusals);
  return changes;
}

function comingOf({ object, action }: ObjectChange): ComingObject {
  return { object, isNew: action === 'create' };
}

function refusalOf(error: ApiError): DryRunRefusal {
  return { status: error.status, message: saidIn(error) };
}

/** Server-side apply alone checks the schema this way, and it does not write this object. */
function isTyped(error: ApiError, { by }: PlanOptions): string | undefined {
  if (by !== 'patch' || !/failed to create typed patch object/.test(saidIn(error))) return undefined;
  return `it can't be compared: ${explain(error).problem}`;
}

/** What an object becomes. Where the API server refuses the dry run: its error, and the result that Sluice expects. */
async function ask(client: PlanClient, object: DeployObject, options: PlanOptions, signal: AbortSignal) {
  const found = await client.find(object.reference, signal);
  try {
    const applied = await dryRun(client, { object, found }, options, signal);
    return { change: changeOf(object, found, applied, options), error: undefined };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const expected = found ? merged(found, object.manifest) : object.manifest;
    return { change: { ...changeOf(object, found, expected, options), needed: true }, error };
  }
}

function dryRun(
  client: PlanClient,
  { object, found }: { readonly object: DeployObject; readonly found: KubernetesObject | undefined },
  { force = false, fieldManager = FIELD_MANAGER, by = 'apply' }: PlanOptions,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  const { reference, manifest } = object;
  const { type } = reference;
  if (by === 'apply') return client.apply(type, manifest, signal, { force, fieldManager, dryRun: true, strict: true });
  if (!found) return client.create(type, manifest, signal, { fieldManager, dryRun: true });
  return client.apply(type, manifest, signal, { force: true, fieldManager, dryRun: true });
}

type Content = { readonly [field: string]: unknown };

function changeOf(
  object: DeployObject,
  found: KubernetesObject | undefined,
  applied: Content,
  { fieldManager = FIELD_MANAGER }: PlanOptions,
): ObjectChange {
  const ofManifest = isAggregated(object.manifest) ? withoutRules : comparable;
  const before = found && ofManifest(found);
  const after = ofManifest(applied);
  const action = !found ? 'create' : isDeepStrictEqual(before, after) ? 'unchanged' : 'update';
  const owners = (content: Content) => ownership(kubernetesObject.parse(content), fieldManager);
  const needed = action !== 'unchanged' || !found || owners(found) !== owners(applied);
  const write =
    action === 'unchanged'
      ? undefined
      : ({ object: describe(object.reference), action, before, after } satisfies PlannedWrite);
  return { object, action, found, write, needed, unchecked: undefined };
}

/** The controller writes the rules of an aggregated ClusterRole, so they are not compared. */
function withoutRules(content: Content) {
  const { rules: _, ...rest } = content;
  return comparable(rest);
}

function ownership({ metadata }: KubernetesObject, fieldManager: string): string {
  const own = metadata.managedFields?.find(
    ({ manager, operation, subresource }) =>
      manager === fieldManager && operation === 'Apply' && subresource === undefined,
  );
  return JSON.stringify(own?.fieldsV1 ?? null);
}

/**
 * The manifest merged into the found object, as far as that is known without the API server. Fields that the manifest leaves out
 * stay, also in items of lists of the same length.
 */
function merged(found: Content, manifest: Content): Content {
  const fields = Object.entries(manifest).map(([field, value]) => [field, mergedValue(found[field], value)]);
  return { ...found, ...Object.fromEntries(fields) };
}

function mergedValue(former: unknown, value: unknown): unknown {
  if (isContent(former) && isContent(value)) return merged(former, value);
  if (!Array.isArray(former) || !Array.isArray(value) || former.length !== value.length) return value;
  return value.map((item, index) => mergedValue(former[index], item));
}

function isContent(value: unknown): value is Content {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Metadata that the API server maintains in each object. */
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

const jsonObject = z.record(z.string(), jsonSchema);

/** An object without status and the metadata that the API server maintains: two that a user would call the same are equal. */
export function comparable(object: { readonly [field: string]: unknown }): { readonly [field: string]: Json } {
  const {
    status: _,
    apiVersion = '',
    kind = '',
    metadata = {},
    ...rest
  } = jsonObject.parse(parseJson(stringifyJson(object)));
  const own = Object.entries(jsonObject.parse(metadata)).filter(([field]) => !kept.has(field));
  return { apiVersion, kind, metadata: Object.fromEntries(own), ...rest };
}

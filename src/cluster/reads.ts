import * as z from 'zod';
import { ApiError } from './errors.ts';
import { pathOf, queryOf, type Requests } from './requests.ts';
import { type ObjectReference, type ResourceType, resourcePath } from './resources.ts';
import { type KubernetesObject, objectMetadata, type Selector } from './schema.ts';

const objectList = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string().optional() }),
  items: z.array(z.looseObject({ metadata: objectMetadata })),
});

export type Reads = ReturnType<typeof createReads>;

/** Finding and listing objects. */
export function createReads({ callFor, callForObject }: Requests) {
  /** @throws ApiError `not-found` */
  function get(reference: ObjectReference, signal: AbortSignal): Promise<KubernetesObject> {
    return callForObject({ verb: 'get', reference }, { method: 'GET', path: pathOf(reference) }, signal);
  }

  /** As `get`, with `undefined` for an object that does not exist. */
  async function find(reference: ObjectReference, signal: AbortSignal): Promise<KubernetesObject | undefined> {
    try {
      return await get(reference, signal);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async function listWithVersion(
    type: ResourceType,
    namespace: string | undefined,
    selector: Selector,
    signal: AbortSignal,
  ) {
    const path = `${resourcePath(type, namespace)}${queryOf({ ...selector })}`;
    const about = { verb: 'list', reference: { type, namespace: namespace ?? '', name: '' } };
    const list = await callFor(objectList, about, { method: 'GET', path }, signal);
    // Items of a list have neither kind nor apiVersion.
    const items = list.items.map((item) => ({ ...item, apiVersion: type.apiVersion, kind: type.kind }));
    return { resourceVersion: list.metadata.resourceVersion, items };
  }

  /** All objects of a type that match a selector; `namespace` undefined means all namespaces. */
  async function list(
    type: ResourceType,
    namespace: string | undefined,
    selector: Selector,
    signal: AbortSignal,
  ): Promise<KubernetesObject[]> {
    return (await listWithVersion(type, namespace, selector, signal)).items;
  }

  return { get, find, list, listWithVersion };
}

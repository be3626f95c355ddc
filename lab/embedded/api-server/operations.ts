import type { IncomingMessage } from 'node:http';
import * as yaml from 'yaml';
import type { User } from './authorization.ts';
import { evict } from './eviction.ts';
import { isRecord, type JsonRecord } from './objects.ts';
import { deleteOptions, type PatchType, type Registry, type Subresource } from './registry.ts';
import type { RequestInfo } from './request-info.ts';
import { apiVersionOf, pods, type Resource, reviewResources } from './resources.ts';
import { review } from './reviews.ts';
import { selection } from './selectors.ts';
import {
  badRequest,
  invalid,
  invalidResourceVersion,
  methodNotAllowed,
  noSuchPath,
  resourceVersionTooLarge,
  unsupportedMediaType,
} from './status.ts';
import type { Storage } from './storage.ts';

export interface Answer {
  readonly status: number;
  readonly body: object;
}

export interface Call {
  readonly info: RequestInfo;
  readonly user: User;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Throws if the user may not create this object. */
  readonly mayCreate: () => void;
}

/** Handles a request for objects. Watches and proxied requests, whose answers are streams, are handled elsewhere. */
export function operate(storage: Storage, registry: Registry, call: Call): Answer {
  const { info, headers } = call;
  const { resource, verb, namespace, name, query } = info;
  const key = { resource, namespace, name };
  if (reviewResources.includes(resource)) {
    if (verb !== 'create') throw methodNotAllowed();
    return { status: 201, body: review(resource.kind, parseBody(call), call.user) };
  }
  if (resource === pods && info.subresource === 'eviction') {
    if (verb !== 'create') throw methodNotAllowed();
    return { status: 201, body: evict(storage, registry, key, parseBody(call)) };
  }
  const subresource = subresourceOf(info);
  if (verb === 'list') return { status: 200, body: list(storage, info) };
  if (verb === 'get') return { status: 200, body: registry.read(key, subresource) };
  const options = {
    manager: managerOf(headers, query),
    dryRun: isDryRun(verb, query),
    ...(subresource !== undefined && { subresource }),
  };
  if (verb === 'create' && name === '') {
    return { status: 201, body: registry.create(resource, namespace, parseBody(call), options) };
  }
  if (verb === 'update') return { status: 200, body: registry.update(key, parseBody(call), options) };
  if (verb === 'delete')
    return { status: 200, body: registry.remove(key, { ...parseDeleteOptions(call), ...options }) };
  if (verb !== 'patch') throw methodNotAllowed();
  const type = patchTypeOf(resource, headers);
  if (type === 'apply' && !query.has('fieldManager')) throw managerRequired();
  const force = query.get('force') === 'true';
  const { mayCreate } = call;
  const { object, created } = registry.patch(key, type, parseBody(call), { ...options, force, mayCreate });
  return { status: created ? 201 : 200, body: object };
}

function list(storage: Storage, { resource, namespace, query }: RequestInfo): JsonRecord {
  const asked = query.get('resourceVersion') || '0';
  if (!/^\d+$/.test(asked)) throw invalidResourceVersion(asked);
  if (Number(asked) > storage.revision()) throw resourceVersionTooLarge(Number(asked), storage.revision());
  const items = storage.list(resource, namespace || undefined).filter(selection(resource, query));
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: { resourceVersion: String(storage.revision()) },
    // Items of built-in kinds have neither kind nor apiVersion.
    items: resource.custom ? items : items.map(({ kind: _, apiVersion: __, ...item }) => item),
  };
}

function parseBody({ info, headers, body }: Call): unknown {
  try {
    const parsed: unknown = headers['content-type']?.includes('yaml') ? yaml.parse(body) : JSON.parse(body);
    return parsed;
  } catch (error) {
    const { kind } = info.resource;
    throw badRequest(`the object provided is unrecognized (must be of type ${kind}): ${String(error)}`);
  }
}

const patchTypes = new Map<string, PatchType>([
  ['application/json-patch+json', 'json'],
  ['application/merge-patch+json', 'merge'],
  ['application/strategic-merge-patch+json', 'strategic'],
  ['application/apply-patch+yaml', 'apply'],
]);

function patchTypeOf(resource: Resource, headers: IncomingMessage['headers']): PatchType {
  const [contentType = ''] = (headers['content-type'] ?? '').split(';');
  const type = patchTypes.get(contentType.trim());
  const accepted = [...patchTypes].filter(([, candidate]) => !(resource.custom && candidate === 'strategic'));
  if (type === undefined || !accepted.some(([, candidate]) => candidate === type)) {
    throw unsupportedMediaType(accepted.map(([mediaType]) => mediaType));
  }
  return type;
}

function subresourceOf({ resource, subresource }: RequestInfo): Subresource | undefined {
  if (subresource === '') return undefined;
  if (subresource === 'status' && resource.status) return 'status';
  if (subresource === 'scale' && resource.scale) return 'scale';
  throw noSuchPath();
}

function parseDeleteOptions(call: Call) {
  const { query } = call.info;
  const content = call.body === '' ? {} : parseBody(call);
  const fromQuery = {
    ...(query.has('propagationPolicy') && { propagationPolicy: query.get('propagationPolicy') }),
    ...(query.has('gracePeriodSeconds') && { gracePeriodSeconds: Number(query.get('gracePeriodSeconds')) }),
  };
  const parsed = deleteOptions.safeParse({ ...fromQuery, ...(isRecord(content) && content) });
  if (!parsed.success) throw badRequest('DeleteOptions cannot be handled');
  return parsed.data;
}

function isDryRun(verb: string, query: URLSearchParams): boolean {
  const asked = query.getAll('dryRun');
  if (asked.every((value) => value === 'All')) return asked.length > 0;
  const kind = { create: 'CreateOptions', update: 'UpdateOptions', patch: 'PatchOptions' }[verb] ?? 'DeleteOptions';
  const message = `Unsupported value: ${JSON.stringify(asked)}: supported values: "All"`;
  throw invalid(kind, 'meta.k8s.io', '', [{ reason: 'FieldValueNotSupported', message, field: 'dryRun' }]);
}

function managerRequired() {
  const message = 'Required value: is required for apply patch';
  const cause = { reason: 'FieldValueRequired', message, field: 'fieldManager' };
  return invalid('PatchOptions', 'meta.k8s.io', '', [cause]);
}

/** The field manager of a write: from the request, else the user agent up to its version. */
export function managerOf(headers: IncomingMessage['headers'], query: URLSearchParams): string {
  return query.get('fieldManager') ?? (headers['user-agent'] ?? 'unknown').split('/')[0] ?? 'unknown';
}

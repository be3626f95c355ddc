import { findResource, namespaces, type Resource } from './resources.ts';

/** A request for an object or a collection, in the server's own terms. */
export interface RequestInfo {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection` */
  readonly verb: string;
  readonly resource: Resource;
  readonly subresource: string;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
  /** Path after `/proxy`, with a leading slash. */
  readonly proxyPath: string;
  readonly query: URLSearchParams;
}

const pattern =
  /^\/(?:api\/(v1)|apis\/([^/]+\/[^/]+))(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+)(?:\/([^/]+)(\/.*)?)?)?$/;

/** Undefined for a path that names no resource of this server (discovery, health, an unknown kind). */
export function parseRequest(method: string, url: URL): RequestInfo | undefined {
  const path = url.pathname.replace(/\/$/, '');
  const own = /^\/api\/v1\/namespaces\/([^/]+)$/.exec(path);
  const [, core, group, namespace = '', plural = '', name = '', subresource = '', rest = ''] =
    own !== null ? [path, 'v1', undefined, '', 'namespaces', own[1]] : (pattern.exec(path) ?? []);
  const apiVersion = core ?? group;
  const resource = apiVersion === undefined ? undefined : findResource(apiVersion, plural);
  if (resource === undefined || (namespace !== '' && !resource.namespaced)) return undefined;
  if (resource === namespaces && own === null && name !== '') return undefined;
  const query = url.searchParams;
  const isWatch = ['1', 'true'].includes(query.get('watch') ?? '');
  const verb = verbOf(method, name !== '', isWatch);
  if (verb === undefined) return undefined;
  return {
    verb,
    resource,
    subresource: decodeURIComponent(subresource),
    namespace: decodeURIComponent(namespace),
    name: decodeURIComponent(name),
    proxyPath: rest === '' && subresource === 'proxy' && url.pathname.endsWith('/') ? '/' : rest,
    query,
  };
}

function verbOf(method: string, named: boolean, isWatch: boolean): string | undefined {
  if (method === 'GET' || method === 'HEAD') return named ? 'get' : isWatch ? 'watch' : 'list';
  if (method === 'POST') return 'create';
  if (method === 'PUT') return 'update';
  if (method === 'PATCH') return 'patch';
  if (method === 'DELETE') return named ? 'delete' : 'deletecollection';
  return undefined;
}

import { groupVersions, type Resource } from './resources.ts';

/** Discovery documents, version and health, as far as clients need them; undefined for any other path. */
export function discover(path: string): unknown {
  const served = groupVersions();
  if (path === '/version') return { major: '1', minor: '36', gitVersion: 'v1.36.0-embedded', platform: 'node' };
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  if (path === '/apis') {
    const names = [...served.keys()].filter((version) => version !== 'v1');
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: names.map(groupDocument) };
  }
  const groupVersion = path.replace(/^\/apis?\//, '');
  const resources = served.get(groupVersion);
  if (resources) {
    return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: resources.flatMap(resourceDocuments) };
  }
  const version = [...served.keys()].find((candidate) => candidate.startsWith(`${groupVersion}/`));
  return version === undefined ? undefined : { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(version) };
}

function groupDocument(groupVersion: string) {
  const [name = '', version = ''] = groupVersion.split('/');
  return { name, versions: [{ groupVersion, version }], preferredVersion: { groupVersion, version } };
}

function resourceDocuments(resource: Resource) {
  const { plural, kind, namespaced } = resource;
  const verbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
  const main = { name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs };
  const subresources = [...(resource.status ? ['status'] : []), ...(resource.scale ? ['scale'] : [])];
  return [
    main,
    ...subresources.map((name) => ({
      name: `${plural}/${name}`,
      singularName: '',
      namespaced,
      kind,
      verbs: ['get', 'patch', 'update'],
    })),
  ];
}

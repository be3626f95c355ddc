import { isRecord } from './objects.ts';

/** Lists of built-in kinds whose items have an identity, by the field's name (`x-kubernetes-list-map-keys`). */
const listMapKeys: Readonly<Record<string, readonly string[]>> = {
  conditions: ['type'],
  containers: ['name'],
  env: ['name'],
  ephemeralContainers: ['name'],
  hostAliases: ['ip'],
  imagePullSecrets: ['name'],
  initContainers: ['name'],
  ownerReferences: ['uid'],
  topologySpreadConstraints: ['topologyKey', 'whenUnsatisfiable'],
  volumeMounts: ['mountPath'],
  volumes: ['name'],
};

/** Maps and structs of built-in kinds that have a single owner (`x-kubernetes-map-type: atomic`). */
const atomicMaps = new Set([
  'configMapKeyRef',
  'fieldRef',
  'labelSelector',
  'nodeSelector',
  'resourceFieldRef',
  'scaleTargetRef',
  'secretKeyRef',
  'selector',
  'targetRef',
]);

export function isAtomicMap(field: string): boolean {
  return atomicMaps.has(field);
}

/** The fields that identify an item of this list; undefined for a list that is owned and replaced as a whole. */
export function associativeKeys(field: string, items: readonly unknown[]): readonly string[] | undefined {
  if (field !== 'ports') return listMapKeys[field];
  const [first] = items;
  return isRecord(first) && 'containerPort' in first ? ['containerPort', 'protocol'] : ['port', 'protocol'];
}

/** `{"containerPort":80,"protocol":"TCP"}`: the identity of an item, as in `fieldsV1` after `k:`. */
export function itemKey(item: unknown, keys: readonly string[]): string {
  const record = isRecord(item) ? item : {};
  const identity = keys.map((key) => [key, record[key] ?? (key === 'protocol' ? 'TCP' : undefined)]);
  return JSON.stringify(Object.fromEntries(identity));
}

import { isDeepStrictEqual } from 'node:util';
import { associativeKeys, isAtomicMap, itemKey } from './lists.ts';
import { type FieldsV1, isRecord, type JsonRecord, type KubeObject, type ManagedFieldsEntry } from './objects.ts';
import { apiVersionOf, type Resource } from './resources.ts';
import { applyConflict } from './status.ts';

/**
 * Field ownership as in sigs.k8s.io/structured-merge-diff, for the shapes that occur here: each leaf field belongs to the
 * managers that last set its value. A path is the list of its `fieldsV1` elements (`f:spec`, `k:{"name":"app"}`, `v:"x"`, and
 * `.` for a list item itself), joined by NUL.
 */
type Leaves = Map<string, unknown>;

/** What was collected of fields of stored objects, which do not change any more: most of an object stays as it is. */
const collected = new WeakMap<object, { resource: Resource; path: string; leaves: Leaves }>();

/** The paths of sets that do not change any more. */
const pathsOf = new WeakMap<FieldsV1, readonly string[]>();

const separator = '\0';

/** Fields without an owner. */
const unmanaged = new Set(
  ['apiVersion', 'kind'].concat(
    [
      'name',
      'namespace',
      'uid',
      'resourceVersion',
      'generation',
      'creationTimestamp',
      'deletionTimestamp',
      'deletionGracePeriodSeconds',
      'managedFields',
    ].map((field) => `metadata.${field}`),
  ),
);

function leavesOf(resource: Resource, object: JsonRecord): Leaves {
  const leaves: Leaves = new Map();
  for (const [field, value] of Object.entries(object)) {
    if (unmanaged.has(field)) continue;
    if (field !== 'metadata') {
      for (const [path, leaf] of leavesIn(resource, field, value, [`f:${field}`])) leaves.set(path, leaf);
    } else if (isRecord(value)) {
      for (const [child, inner] of Object.entries(value)) {
        if (!unmanaged.has(`metadata.${child}`)) collect(resource, child, inner, ['f:metadata', `f:${child}`], leaves);
      }
    }
  }
  return leaves;
}

function leavesIn(resource: Resource, field: string, value: unknown, path: readonly string[]): Leaves {
  const stored = typeof value === 'object' && value !== null && Object.isFrozen(value) ? value : undefined;
  const whole = path.join(separator);
  const known = stored && collected.get(stored);
  if (known?.resource === resource && known.path === whole) return known.leaves;
  const leaves: Leaves = new Map();
  collect(resource, field, value, path, leaves);
  if (stored !== undefined) collected.set(stored, { resource, path: whole, leaves });
  return leaves;
}

function collect(resource: Resource, field: string, value: unknown, path: readonly string[], leaves: Leaves): void {
  const inMetadata = path[0] === 'f:metadata';
  if (Array.isArray(value) && field === 'finalizers' && inMetadata) {
    for (const item of value) leaves.set([...path, `v:${JSON.stringify(item)}`].join(separator), true);
    return;
  }
  const keys = Array.isArray(value) && (inMetadata || !resource.custom) ? associativeKeys(field, value) : undefined;
  if (Array.isArray(value) && keys !== undefined) {
    for (const item of value) {
      const itemPath = [...path, `k:${itemKey(item, keys)}`];
      leaves.set([...itemPath, '.'].join(separator), true);
      if (isRecord(item)) collectFields(resource, item, itemPath, leaves);
    }
    return;
  }
  const atomic = !resource.custom && isAtomicMap(field) && path.length > 1;
  if (isRecord(value) && !atomic && Object.keys(value).length > 0) collectFields(resource, value, path, leaves);
  else leaves.set(path.join(separator), value);
}

function collectFields(resource: Resource, record: JsonRecord, path: readonly string[], leaves: Leaves): void {
  for (const [field, value] of Object.entries(record)) collect(resource, field, value, [...path, `f:${field}`], leaves);
}

function toFieldsV1(paths: Iterable<string>): FieldsV1 {
  const root: FieldsV1 = {};
  for (const path of [...paths].sort()) {
    let node = root;
    for (const element of path.split(separator)) {
      const child = node[element] ?? {};
      node[element] = child;
      node = child;
    }
  }
  return root;
}

function fromFieldsV1(fields: FieldsV1): readonly string[] {
  const known = pathsOf.get(fields);
  if (known !== undefined) return known;
  const paths = pathsIn(fields, []);
  if (Object.isFrozen(fields)) pathsOf.set(fields, paths);
  return paths;
}

function pathsIn(fields: FieldsV1, prefix: readonly string[]): string[] {
  return Object.entries(fields).flatMap(([element, children]) => {
    const path = [...prefix, element];
    return Object.keys(children).length === 0 ? [path.join(separator)] : pathsIn(children, path);
  });
}

export interface Writer {
  readonly manager: string;
  readonly subresource?: string;
  /** RFC 3339. */
  readonly time: string;
}

/**
 * `managedFields` after a write other than server-side apply: the writer alone owns what it changed. Entries that the write
 * itself removes are dropped.
 */
export function afterUpdate(
  resource: Resource,
  current: KubeObject | undefined,
  next: KubeObject,
  writer: Writer,
): ManagedFieldsEntry[] {
  const before = current === undefined ? new Map<string, unknown>() : leavesOf(resource, current);
  const after = leavesOf(resource, next);
  const written = [...after].filter(
    ([path, value]) => !before.has(path) || !isDeepStrictEqual(before.get(path), value),
  );
  const changed = new Set(written.map(([path]) => path));
  const existing = next.metadata.managedFields ?? current?.metadata.managedFields ?? [];
  const left = (entry: ManagedFieldsEntry) => withPaths(entry, (path) => after.has(path));
  if (changed.size === 0) return present(existing.map(left));
  const own = existing.find((entry) => entry.operation === 'Update' && isBy(entry, writer));
  const others = existing
    .filter((entry) => entry !== own)
    .map((entry) => withPaths(entry, (path) => after.has(path) && !changed.has(path)));
  return present([...others, withWritten(resource, own && left(own), changed, writer)]);
}

/** The entry of a writer with what it has written now: most writes are of fields that it owns already. */
function withWritten(
  resource: Resource,
  own: ManagedFieldsEntry | undefined,
  written: ReadonlySet<string>,
  writer: Writer,
): ManagedFieldsEntry {
  if (own === undefined) return newEntry(resource, 'Update', written, writer);
  const paths = new Set([...written, ...fromFieldsV1(own.fieldsV1)]);
  return paths.size === fromFieldsV1(own.fieldsV1).length
    ? { ...newEntry(resource, 'Update', [], writer), fieldsV1: own.fieldsV1 }
    : newEntry(resource, 'Update', paths, writer);
}

/**
 * Server-side apply of `config` to `current`. Removes fields that this manager applied before and no longer names, unless
 * another manager owns them too.
 *
 * @throws StatusError 409 if another manager owns a field with another value, unless `force` takes it over.
 */
export function apply(
  resource: Resource,
  current: KubeObject | undefined,
  config: KubeObject,
  writer: Writer,
  force: boolean,
): { object: JsonRecord; managedFields: ManagedFieldsEntry[] } {
  const live: JsonRecord = current === undefined ? {} : structuredClone(current);
  const liveLeaves = leavesOf(resource, live);
  const applied = leavesOf(resource, config);
  const entries = current?.metadata.managedFields ?? [];
  const own = entries.find((entry) => entry.operation === 'Apply' && isBy(entry, writer));
  const others = entries.filter((entry) => entry !== own);

  const differs = (path: string) => applied.has(path) && !isDeepStrictEqual(liveLeaves.get(path), applied.get(path));
  const conflicts = others.flatMap((entry) =>
    fromFieldsV1(entry.fieldsV1)
      .filter(differs)
      .map((path) => ({ entry, path })),
  );
  if (conflicts.length > 0 && !force) throw conflictOf(conflicts);

  const kept = others.map((entry) => withPaths(entry, (path) => !differs(path)));
  const object = mergeApplied(resource, live, config);
  const heldByOthers = new Set(kept.flatMap((entry) => fromFieldsV1(entry.fieldsV1)));
  for (const path of own === undefined ? [] : fromFieldsV1(own.fieldsV1)) {
    if (!applied.has(path) && !heldByOthers.has(path)) removeAt(object, path.split(separator));
  }
  return { object, managedFields: present([newEntry(resource, 'Apply', applied.keys(), writer), ...kept]) };
}

function mergeApplied(resource: Resource, live: JsonRecord, config: JsonRecord): JsonRecord {
  const result = { ...live };
  for (const [field, value] of Object.entries(config)) {
    const inMetadata = field === 'metadata';
    result[field] = mergeValue(resource.custom && !inMetadata, field, result[field], value, true);
  }
  return result;
}

function mergeValue(custom: boolean, field: string, live: unknown, applied: unknown, top = false): unknown {
  if (Array.isArray(applied)) {
    if (field === 'finalizers') return [...new Set([...(Array.isArray(live) ? live : []), ...applied])];
    const keys = custom ? undefined : associativeKeys(field, applied);
    if (keys === undefined || !Array.isArray(live)) return applied;
    const merged = [...live];
    for (const item of applied) {
      const index = merged.findIndex((existing) => itemKey(existing, keys) === itemKey(item, keys));
      if (index < 0) merged.push(item);
      else merged[index] = mergeValue(custom, '', merged[index], item);
    }
    return merged;
  }
  if (!isRecord(applied) || !isRecord(live) || (!custom && !top && isAtomicMap(field))) return applied;
  const result = { ...live };
  for (const [child, value] of Object.entries(applied)) result[child] = mergeValue(custom, child, result[child], value);
  return result;
}

/** Removes the value at a path, and maps and lists that become empty by that. */
function removeAt(parent: JsonRecord, path: readonly string[]): void {
  const [element = '', next, ...rest] = path;
  const field = element.slice(2);
  const value = parent[field];
  if (next === undefined) {
    delete parent[field];
  } else if (Array.isArray(value)) {
    const index = value.findIndex((item) => isElement(next, item));
    const item: unknown = value[index];
    if (index >= 0 && (next.startsWith('v:') || rest[0] === '.')) value.splice(index, 1);
    else if (isRecord(item)) removeAt(item, rest);
    if (value.length === 0) delete parent[field];
  } else if (isRecord(value)) {
    removeAt(value, [next, ...rest]);
    if (Object.keys(value).length === 0) delete parent[field];
  }
}

function isElement(element: string, item: unknown): boolean {
  const identity: unknown = JSON.parse(element.slice(2));
  return isRecord(identity) ? itemKey(item, Object.keys(identity)) === element.slice(2) : item === identity;
}

function isBy(entry: ManagedFieldsEntry, writer: Writer): boolean {
  return entry.manager === writer.manager && (entry.subresource ?? '') === (writer.subresource ?? '');
}

function withPaths(entry: ManagedFieldsEntry, keep: (path: string) => boolean): ManagedFieldsEntry {
  const paths = fromFieldsV1(entry.fieldsV1);
  const kept = paths.filter(keep);
  return kept.length === paths.length ? entry : { ...entry, fieldsV1: toFieldsV1(kept) };
}

function present(entries: readonly ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  return entries.filter((entry) => Object.keys(entry.fieldsV1).length > 0);
}

function newEntry(
  resource: Resource,
  operation: ManagedFieldsEntry['operation'],
  paths: Iterable<string>,
  writer: Writer,
): ManagedFieldsEntry {
  return {
    manager: writer.manager,
    operation,
    apiVersion: apiVersionOf(resource),
    time: writer.time,
    fieldsType: 'FieldsV1',
    fieldsV1: toFieldsV1(paths),
    ...(writer.subresource !== undefined && { subresource: writer.subresource }),
  };
}

/** Wording of k8s.io/apimachinery `pkg/util/managedfields/internal/conflict.go`. */
function conflictOf(conflicts: readonly { entry: ManagedFieldsEntry; path: string }[]) {
  const causes = conflicts.map(({ entry, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${printManager(entry)}`,
    field: printPath(path),
  }));
  const [only] = conflicts;
  if (only && conflicts.length === 1) {
    const message = `Apply failed with 1 conflict: conflict with ${printManager(only.entry)}: ${printPath(only.path)}`;
    return applyConflict(message, causes);
  }
  const byManager = Map.groupBy(conflicts, ({ entry }) => printManager(entry));
  const parts = [...byManager].map(
    ([manager, held]) => `conflicts with ${manager}:\n${held.map(({ path }) => `- ${printPath(path)}`).join('\n')}`,
  );
  return applyConflict(`Apply failed with ${conflicts.length} conflicts: ${parts.join('\n')}`, causes);
}

function printManager(entry: ManagedFieldsEntry): string {
  const subresource = entry.subresource === undefined ? '' : ` with subresource "${entry.subresource}"`;
  const version = entry.operation === 'Update' ? ` using ${entry.apiVersion}` : '';
  return `"${entry.manager}"${subresource}${version}`;
}

/** `.spec.template.spec.containers[name="app"].image` */
function printPath(path: string): string {
  return path
    .split(separator)
    .filter((element) => element !== '.')
    .map((element) => {
      const rest = element.slice(2);
      if (element.startsWith('f:')) return `.${rest}`;
      if (element.startsWith('v:')) return `[=${rest}]`;
      const identity: unknown = JSON.parse(rest);
      const pairs = isRecord(identity) ? Object.entries(identity) : [];
      return `[${pairs.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');
}

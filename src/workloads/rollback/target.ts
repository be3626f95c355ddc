import type { RolloutRecord } from '../../canary/ports.ts';
import { retryOnConflict } from '../../cluster/conflicts.ts';
import { type GitOpsSetting, refuseGitOps } from '../../cluster/gitops.ts';
import { relinquishFields } from '../../cluster/managed-fields.ts';
import { permissionTo } from '../../cluster/permissions.ts';
import { isReady, pod } from '../../cluster/pods.ts';
import { readObject } from '../../cluster/read-object.ts';
import { describe, resources } from '../../cluster/resources.ts';
import { selectorText, selects } from '../../cluster/selectors.ts';
import { SluiceError } from '../../core/errors.ts';
import type { Permission } from '../../core/permission.ts';
import type { Revision, RollbackPlan, RollbackWorkload, Sight } from '../../rollback/ports.ts';
import type { ArmsContext } from '../arms-context.ts';
import { derivedData, templateFields } from '../derived/release.ts';
import { withImages } from '../images.ts';
import { CHECKSUM_ANNOTATION, hasRolledOut, type TemplateChange } from '../promotion.ts';
import { templateImages, templateRevision, verifyRevision } from '../revision.ts';
import { type RunTemplate, runTemplates } from '../revisions.ts';
import { listServices } from '../services.ts';
import {
  imagesOf,
  isRolledOut,
  type PodTemplate,
  referenceTo,
  refuseOwned,
  type Workload,
  type WorkloadKind,
  workload,
  workloadType,
} from '../workload.ts';
import { ANNOTATION, notedOn, noteWith, statementsOf } from './note.ts';
import { shownTemplates } from './preview.ts';

/** A manual rollback always differs from Git, so only an ignore rule helps. */
const { advice: _, ...rollbackFields } = templateFields;

/** Milliseconds for the controller to store a template that has just been written. */
const CONTROLLER = 15_000;
const LOOK_INTERVAL = 250;

export interface RollbackTarget {
  readonly kind: WorkloadKind;
  readonly name: string;
  /** The Service whose ready endpoints count; by default the only one that selects the pods. */
  readonly service: string | undefined;
  readonly gitops: GitOpsSetting;
}

/** The rights that a rollback of a workload needs. */
export function rollbackPermissions(namespace: string, { kind }: Pick<RollbackTarget, 'kind'>): Permission[] {
  const stateful = kind === 'StatefulSet';
  return [
    permissionTo(['get', 'list', 'watch', 'patch'], workloadType(kind), namespace),
    permissionTo(['list'], stateful ? resources.controllerRevision : resources.replicaSet, namespace),
    permissionTo(['list', 'watch', ...(stateful ? ['delete'] : [])], resources.pod, namespace),
    permissionTo(['list', 'watch'], resources.endpointSlice, namespace),
    permissionTo(['list'], resources.service, namespace),
    ...(stateful ? [permissionTo(['list'], resources.event, namespace)] : []),
  ];
}

/** An existing workload, with the versions that the cluster keeps of it. */
export function rollbackWorkload(context: ArmsContext, target: RollbackTarget): RollbackWorkload {
  const { client, namespace } = context;
  const reference = referenceTo(target, namespace);
  const about = describe(reference);
  /** All templates seen so far, by ID. */
  const kept = new Map<string, RunTemplate>();

  const read = async (signal: AbortSignal) => readObject(await client.get(reference, signal), workload);

  /** The kept templates, as soon as the current one is among them. */
  async function readKept(signal: AbortSignal): Promise<{ found: Workload; templates: readonly RunTemplate[] }> {
    const end = context.clock.now() + CONTROLLER;
    for (;;) {
      const found = await read(signal);
      refuseOwned(found, namespace);
      refuseUnfollowed(found, about);
      if (target.gitops !== 'ignore-rule-present') refuseGitOps(found, reference, rollbackFields);
      const templates = await runTemplates(client, namespace, found, signal);
      for (const each of templates) kept.set(each.id, each);
      if (templates.some(({ id }) => id === templateRevision(found.spec.template))) return { found, templates };
      if (context.clock.now() >= end) throw notKept(about);
      await context.clock.sleep(LOOK_INTERVAL, signal);
    }
  }

  async function look(signal: AbortSignal): Promise<Sight> {
    const { found, templates } = await readKept(signal);
    const revisions = templates.map(revisionOf);
    const currentId = templateRevision(found.spec.template);
    const current = revisions.find(({ id }) => id === currentId);
    if (!current) throw notKept(about);
    const note = notedOn(found);
    const settled = isRolledOut(found) && current.ready >= found.spec.replicas;
    return { revisions, current, settled, plan: note?.plan, statements: note ? statementsOf(note) : [] };
  }

  async function note(plan: RollbackPlan, signal: AbortSignal): Promise<void> {
    const text = noteWith(plan, notedOn(await read(signal)));
    await client.patchMerge(reference, { metadata: { annotations: { [ANNOTATION]: text } } }, signal);
  }

  async function put(from: Revision, to: Revision, signal: AbortSignal): Promise<void> {
    const wanted = kept.get(to.id);
    if (!wanted) throw new TypeError(`revision ${to.number} was never looked at`);
    await retryOnConflict(async () => {
      const { spec } = await read(signal);
      const id = templateRevision(spec.template);
      if (id === to.id) return;
      if (id !== from.id) throw changedByOthers(about);
      const path = '/spec/template';
      const operations = [
        { op: 'test' as const, path, value: spec.template },
        { op: 'replace' as const, path, value: wanted.template },
      ];
      await client.patchJson(reference, operations, signal);
    });
  }

  async function confirm(to: Revision, progress: (text: string) => void, signal: AbortSignal) {
    const found = await read(signal);
    const { label = '', template } = kept.get(to.id) ?? {};
    const service = target.service ?? (await onlyService(context, found, signal));
    // Waits for the pods of the wanted version only: those of the other one may be failing, which is the reason for the
    // rollback.
    const pods = `${selectorText(found.spec.selector)},${label}`;
    const arm = { kind: target.kind, name: target.name, pods, service };
    if (target.kind === 'StatefulSet') await removeStuckPods(context, found, label, signal);
    let told = '';
    await context.view(arm).until(({ workload: now, health }) => {
      const others = now ? now.status.replicas - now.status.updatedReplicas : 0;
      const awaits = `${health.ready} of ${health.desired} pods of it are ready${others > 0 ? `, ${others} of another version are there` : ''}`;
      if (awaits !== told) progress(awaits);
      told = awaits;
      const done = now && hasRolledOut(now, reference, found.metadata.generation ?? 0);
      return (done && health.ready >= health.desired) || undefined;
    }, signal);
    const images = template ? templateImages(template, [...imagesOf(template).keys()]) : new Map();
    const expected = ({ spec: { template: shown } }: Workload) =>
      templateRevision(shown) === to.id ? { images, seen: new Map() } : undefined;
    const verified = await verifyRevision(context, arm, expected, signal);
    await relinquishFields(client, reference, signal);
    return verified;
  }

  async function leftovers(to: Revision, signal: AbortSignal): Promise<number> {
    const { spec } = await read(signal);
    const labels = new Set([...kept.values()].filter(({ id }) => id !== to.id).map(({ label }) => label));
    const selector = { labelSelector: selectorText(spec.selector) };
    const pods = await client.list(resources.pod, namespace, selector, signal);
    return pods.filter(({ metadata }) =>
      Object.entries(metadata.labels ?? {}).some(([name, value]) => labels.has(`${name}=${value}`)),
    ).length;
  }

  return {
    object: about,
    look,
    note,
    put,
    confirm,
    leftovers,
    async foundBy(record, signal) {
      return templateRevision(templateFound((await read(signal)).spec.template, record));
    },
    staysBehind(from, to) {
      const [left, wanted] = [from, to].map(
        ({ id }) => kept.get(id)?.template.metadata?.annotations?.[CHECKSUM_ANNOTATION],
      );
      if (left === wanted) return [];
      return [
        'The version that is left was released together with the content of ConfigMaps or Secrets, and no copy of the old content is kept after a promotion. It stays as it is: deploy the one that fits.',
      ];
    },
    preview(from, to) {
      const [before, after] = shownTemplates(kept.get(from.id)?.template, kept.get(to.id)?.template);
      return { object: about, action: 'update', before, after };
    },
  };
}

/** The name of the Service that selects the pods, if it is the only one. */
async function onlyService(
  { client, namespace }: ArmsContext,
  { spec }: Workload,
  signal: AbortSignal,
): Promise<string | undefined> {
  const labels = spec.template.metadata?.labels ?? {};
  const selecting = (await listServices(client, namespace, signal)).filter((service) =>
    selects({ matchLabels: service.spec.selector ?? {} }, labels),
  );
  return selecting.length === 1 ? selecting[0]?.metadata.name : undefined;
}

/**
 * A StatefulSet replaces no pod while it waits for one that will never be ready.
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
 */
async function removeStuckPods(
  { client, namespace }: ArmsContext,
  { spec }: Workload,
  label: string,
  signal: AbortSignal,
): Promise<void> {
  const [key = '', value] = label.split('=');
  const selector = { labelSelector: selectorText(spec.selector) };
  const pods = (await client.list(resources.pod, namespace, selector, signal)).map((object) => readObject(object, pod));
  const stuck = pods.filter(
    (each) => each.metadata.labels?.[key] !== value && !isReady(each) && each.metadata.deletionTimestamp === undefined,
  );
  for (const { metadata } of stuck)
    await client.remove({ type: resources.pod, namespace, name: metadata.name }, signal);
}

function revisionOf({ number, id, template, ready }: RunTemplate): Revision {
  const images = [...imagesOf(template)].flatMap(([name, image]) =>
    image === undefined ? [] : [[name, image] as const],
  );
  return { number, id, ready, images: new Map(images) };
}

/** The template as it was when a rollout began, whether or not that has changed it meanwhile. */
function templateFound(template: PodTemplate, { arms }: RolloutRecord): PodTemplate {
  const derived = derivedData.safeParse(arms.data);
  return derived.success ? withoutChange(template, derived.data.change) : template;
}

function withoutChange(template: PodTemplate, { images, checksum }: TemplateChange): PodTemplate {
  const before = withImages(
    template,
    images.map((change) => ({ container: change.container, before: change.after, after: change.before })),
  );
  const { [CHECKSUM_ANNOTATION]: current, ...others } = before.metadata?.annotations ?? {};
  if (!checksum || current !== checksum.after) return before;
  const annotations = checksum.before === null ? others : { ...others, [CHECKSUM_ANNOTATION]: checksum.before };
  const { annotations: _, ...metadata } = before.metadata ?? {};
  return { ...before, metadata: { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) } };
}

/** Refuses a workload without pods, or one that does not replace its pods when its template changes. */
function refuseUnfollowed({ spec }: Workload, about: string): void {
  const refuse = (problem: string, next: string) => {
    throw new SluiceError('unsupported', { about, problem, next });
  };
  if (spec.paused) refuse('is paused, so that no pod would follow.', 'Resume it: kubectl rollout resume.');
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (type === 'OnDelete' || (rollingUpdate?.partition ?? 0) > 0) {
    refuse(
      'does not replace its pods when its template changes (OnDelete, or a partition).',
      'Set the update strategy to RollingUpdate without a partition.',
    );
  }
  if (spec.replicas === 0) refuse('is scaled to zero: nothing could be seen to serve.', 'Scale it up first.');
}

function notKept(about: string): SluiceError {
  return new SluiceError('not-ready', {
    about,
    problem: `has a template that its controller has not taken up within ${CONTROLLER / 1_000} s.`,
    next: 'See whether kube-controller-manager runs, then run again.',
  });
}

function changedByOthers(about: string): SluiceError {
  return new SluiceError('conflict', {
    about,
    problem: 'was given another template by somebody else at this very moment.',
    next: 'Find out who else deploys to it, and run again.',
  });
}

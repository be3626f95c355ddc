import * as z from 'zod';
import { SluiceError } from '../canary/errors.ts';
import type { KubernetesClient, PatchOperation } from './client.ts';
import { retryOnConflict } from './conflicts.ts';
import { describe, type ObjectReference } from './resources.ts';
import { isRolledOut, type Workload, workload } from './workloads.ts';

/** Marks pods whose config changed while their image did not, so that they are replaced. */
export const CHECKSUM_ANNOTATION = 'sluice.dev/config-checksum';

/** What a release changes in the stable workload's pod template, and what was there before. */
export const templateChange = z.object({
  images: z.array(z.object({ container: z.string(), before: z.string(), after: z.string() })),
  /** `before` is null where there was none. Absent where no config changes. */
  checksum: z.object({ before: z.string().nullable(), after: z.string() }).optional(),
});
export type TemplateChange = z.infer<typeof templateChange>;

/** The change that takes another one back. */
export function reversed({ images, checksum }: TemplateChange): ReversedChange {
  return {
    images: images.map(({ container, before, after }) => ({ container, before: after, after: before })),
    ...(checksum && { checksum: { before: checksum.after, after: checksum.before } }),
  };
}

interface ReversedChange {
  readonly images: TemplateChange['images'];
  readonly checksum?: { readonly before: string | null; readonly after: string | null } | undefined;
}

/**
 * The operations that make a change on a template as it is now: none for what is changed already. Each is guarded by a
 * `test` on what was seen.
 *
 * @returns undefined where the template shows neither the old nor the new value: somebody else has changed it
 */
export function templateOperations(found: Workload, change: ReversedChange): PatchOperation[] | undefined {
  const { spec, metadata } = found.spec.template;
  const operations: PatchOperation[] = [];
  for (const { container, before, after } of change.images) {
    const list = spec.containers.some(({ name }) => name === container) ? 'containers' : 'initContainers';
    const index = (spec[list] ?? []).findIndex(({ name }) => name === container);
    const image = spec[list]?.[index]?.image;
    if (image === after) continue;
    if (image !== before) return undefined;
    const path = `/spec/template/spec/${list}/${index}`;
    operations.push(
      { op: 'test', path: `${path}/name`, value: container },
      { op: 'test', path: `${path}/image`, value: before },
      { op: 'replace', path: `${path}/image`, value: after },
    );
  }
  if (change.checksum) {
    const { before, after } = change.checksum;
    const current = metadata?.annotations?.[CHECKSUM_ANNOTATION] ?? null;
    if (current !== after) {
      if (current !== before) return undefined;
      const { [CHECKSUM_ANNOTATION]: _, ...others } = metadata?.annotations ?? {};
      const annotations = after === null ? others : { ...others, [CHECKSUM_ANNOTATION]: after };
      const path = '/spec/template/metadata/annotations';
      const none = Object.keys(annotations).length === 0;
      operations.push(
        { op: 'test', path: '/spec/template/metadata', value: metadata },
        none ? { op: 'remove', path } : { op: 'add', path, value: annotations },
      );
    }
  }
  return operations;
}

/** The generation of a workload whose template shows a change, and whether it was made just now. */
interface Changed {
  readonly generation: number;
  readonly now: boolean;
}

/**
 * Changes the pod template, or finds it changed already.
 *
 * @throws SluiceError `conflict` where somebody else has changed the same fields
 */
export async function changeTemplate(
  client: KubernetesClient,
  reference: ObjectReference,
  change: ReversedChange,
  signal: AbortSignal,
): Promise<Changed> {
  return retryOnConflict(async () => {
    const found = workload.parse(await client.get(reference, signal));
    const operations = templateOperations(found, change);
    if (!operations) throw changedByOthers(reference);
    if (operations.length === 0) return { generation: found.metadata.generation ?? 0, now: false };
    const { metadata } = await client.patchJson(reference, operations, signal);
    return { generation: metadata.generation ?? 0, now: true };
  });
}

/** Takes the change of a template back. Where somebody else has changed the same fields since, theirs stays. */
export async function restoreTemplate(
  client: KubernetesClient,
  reference: ObjectReference,
  change: TemplateChange,
  signal: AbortSignal,
): Promise<Changed | undefined> {
  const back = reversed(change);
  const found = await client.find(reference, signal);
  if (!found || templateOperations(workload.parse(found), back) === undefined) return undefined;
  return changeTemplate(client, reference, back, signal);
}

/**
 * Whether every pod is of the template of this generation and available.
 *
 * @throws SluiceError `not-ready` when the controller has given up
 */
export function hasRolledOut(found: Workload, reference: ObjectReference, generation: number): boolean {
  if ((found.metadata.generation ?? 0) < generation) return false;
  const progressing = found.status.conditions.find(({ type }) => type === 'Progressing');
  const current = found.status.observedGeneration >= generation;
  if (current && progressing?.status === 'False' && progressing.reason === 'ProgressDeadlineExceeded') {
    throw new SluiceError('not-ready', {
      about: describe(reference),
      problem: `did not become available before its progress deadline: ${progressing.message}`,
      next: 'Look at the events of its pods.',
    });
  }
  return isRolledOut(found);
}

function changedByOthers(reference: ObjectReference): SluiceError {
  return new SluiceError('conflict', {
    about: describe(reference),
    problem: 'shows an image or config checksum that is neither the one found at the start nor the new one.',
    next: 'Find out who else deploys to it, and run again.',
  });
}

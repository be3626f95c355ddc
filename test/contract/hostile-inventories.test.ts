import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { resources } from '../../src/cluster/resources.ts';
import { SluiceError } from '../../src/core/errors.ts';
import { deployProcess } from '../support/deploy-process.ts';
import { dyingClient, type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';
import { editsOf, foreignWrites, someOf } from '../support/hostile-edits.ts';

/**
 * Whoever may write ConfigMaps, Secrets and Leases in the namespace, and nothing else, can cause nothing but a refusal: inventories and
 * kept objects, which deployments that died have left, are edited in every place, and every kind of run meets them.
 */
let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await startEmbeddedCluster({});
  await cluster.client.create(
    resources.configMap,
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'payments', namespace: 'default' },
      data: { value: 'own' },
    },
    signal,
  );
});
afterAll(() => cluster.stop());

const signal = new AbortController().signal;

const configMap = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {value: "${value}"}\n`;
const former = (name: string) => [configMap(`${name}-a`, '1'), configMap(`${name}-gone`, '1')].join('---\n');
const wanted = (name: string) => [configMap(`${name}-a`, '2'), configMap(`${name}-new`, '1')].join('---\n');

let count = 0;
/** A deployment that died at this write, over one that came to its end. */
async function dieAt(write: number): Promise<string> {
  count += 1;
  const name = `hostile${count}`;
  await deployProcess(cluster, name, cluster.client).deploy(former(name));
  await deployProcess(cluster, name, dyingClient(cluster.client, write))
    .deploy(wanted(name))
    .catch(() => undefined);
  return name;
}

const stored = z.looseObject({ data: z.record(z.string(), z.string()).default({}) });

/** The two objects that can be edited, each as a document. */
const memories = {
  inventory: {
    type: resources.configMap,
    read: (data: Readonly<Record<string, string>>) => data.inventory,
    write: (text: string) => ({ inventory: text }),
  },
  'kept objects': {
    type: resources.secret,
    read: ({ snapshot }: Readonly<Record<string, string>>) =>
      snapshot === undefined ? undefined : gunzipSync(Buffer.from(snapshot, 'base64')).toString(),
    write: (text: string) => ({ snapshot: gzipSync(text).toString('base64') }),
  },
} as const;

const runs: Readonly<Record<string, (name: string) => Promise<unknown>>> = {
  'the next run': (name) => deployProcess(cluster, name, cluster.client).deploy(wanted(name)),
  post: (name) => deployProcess(cluster, name, cluster.client).conclude(),
};

/** Whether a run may write it: its own memory, and the objects of this name. */
function isOf(name: string) {
  const own = new RegExp(`^(sluice-inventory-)?${name}(-a|-gone|-new)?$`);
  return (entry: { readonly namespace: string; readonly name: string }) =>
    entry.namespace === 'default' && own.test(entry.name);
}

/** The values that a run may leave: those of the manifests, before and after. */
async function valuesOf(name: string): Promise<unknown[]> {
  const found = await cluster.client.list(resources.configMap, 'default', {}, signal);
  return found
    .filter(({ metadata }) => metadata.name.startsWith(`${name}-`))
    .map((object) => stored.parse(object).data.value);
}

/** Edits of each memory that each kind of run meets. */
const EDITS = Number(process.env.SLUICE_HOSTILE_EDITS ?? '3');

describe.each([3, 4, 6, 8])('what a deployment has left that died at write %i', (write) => {
  describe.each(Object.entries(memories))('and whose %s was edited', (memory, { type, read, write: written }) => {
    test.each(Object.entries(runs))('leads %s to nothing but what the manifests name', async (run, start) => {
      for (let edit = 0; edit < EDITS; edit += 1) {
        const name = await dieAt(write);
        const object = { type, namespace: 'default', name: `sluice-inventory-${name}` };
        const found = await cluster.client.find(object, signal);
        const text = found && read(stored.parse(found).data);
        // It has not been written yet, or is gone again.
        if (text === undefined) return;
        const [change] = someOf(editsOf(z.json().parse(JSON.parse(text))), 1, write * 100 + edit);
        if (change === undefined) throw new Error('there is nothing to edit');
        await cluster.client.patchMerge(object, { data: written(change.text()) }, signal);
        const from = cluster.api.audit.length;
        const error = await start(name).then(
          () => undefined,
          (problem: unknown) => problem,
        );
        const about = `${memory}, ${change.what}, ${run}`;
        expect(error === undefined || error instanceof SluiceError, `${about}: ${String(error)}`).toBe(true);
        expect(foreignWrites(cluster, from, isOf(name)), about).toEqual([]);
        for (const value of await valuesOf(name)) expect(['1', '2'], about).toContain(value);
      }
    });
  });
});

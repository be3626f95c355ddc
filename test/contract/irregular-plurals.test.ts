import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { resources } from '../../src/cluster/resources.ts';
import { deployProcess } from '../support/deploy-process.ts';
import { type EmbeddedCluster, startEmbeddedCluster } from '../support/embedded-cluster.ts';

/** The plural of a kind, which is in the address of its objects, is what the API server says, and not what a rule or a record says. */
let cluster: EmbeddedCluster;
beforeAll(async () => {
  cluster = await startEmbeddedCluster({});
});
afterAll(() => cluster.stop());

const signal = new AbortController().signal;
const mice = { apiVersion: 'field.example/v1', kind: 'Mouse', plural: 'mice' };
const mouse = (name: string) =>
  `apiVersion: field.example/v1\nkind: Mouse\nmetadata: {name: ${name}}\nspec: {colour: grey}\n`;
const deploy = (name: string, ...mouses: readonly string[]) =>
  deployProcess(cluster, name, cluster.client).deploy(mouses.map(mouse).join('---\n'));
const names = async () =>
  (await cluster.client.list(mice, 'default', {}, signal)).map(({ metadata }) => metadata.name).toSorted();

test('objects of a kind with a plural of its own are deployed, remembered and pruned', async () => {
  await deploy('plural', 'plural-a', 'plural-b');
  expect(await names()).toEqual(['plural-a', 'plural-b']);
  await deploy('plural', 'plural-a');
  expect(await names()).toEqual(['plural-a']);
});

test.each(['mouses', 'configmaps', '../../../v1/namespaces/default/configmaps'])(
  'an inventory that says "%s" leads to the objects of the kind all the same, and to no others',
  async (plural) => {
    const name = `says${plural.length}`;
    const [stays, goes] = [`${name}-a`, `${name}-b`];
    const labels = { 'sluice.dev/inventory': name };
    const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: goes, namespace: 'default', labels } };
    await cluster.client.create(resources.configMap, configMap, signal);
    await deploy(name, stays, goes);
    const inventory = { type: resources.configMap, namespace: 'default', name: `sluice-inventory-${name}` };
    const stored = z.looseObject({ data: z.looseObject({ inventory: z.string() }) });
    const { data } = stored.parse(await cluster.client.get(inventory, signal));
    const forged = data.inventory.replaceAll('"plural":"mice"', `"plural":${JSON.stringify(plural)}`);
    expect(forged).not.toBe(data.inventory);
    await cluster.client.patchMerge(inventory, { data: { inventory: forged } }, signal);
    await deploy(name, stays);
    expect((await names()).filter((each) => each.startsWith(name))).toEqual([stays]);
    expect(
      await cluster.client.find({ type: resources.configMap, namespace: 'default', name: goes }, signal),
    ).toBeDefined();
  },
);

import { afterAll, describe, expect, it } from 'vitest';
import type { DeployEvent } from '../../../src/apply/events.ts';
import { createInventoryStore, INVENTORY_LABEL } from '../../../src/apply/inventory.ts';
import type { KubernetesClient } from '../../../src/cluster/client.ts';
import { resources } from '../../../src/cluster/resources.ts';
import { SluiceError } from '../../../src/core/errors.ts';
import { deployProcess, type Process, takenOver } from '../../support/deploy-process.ts';
import { dyingClient, startEmbeddedCluster } from '../../support/embedded-cluster.ts';

const never = new AbortController().signal;
const cluster = await startEmbeddedCluster({});
afterAll(() => cluster.stop());

const away = new SluiceError('unreachable', { about: 'the API server', problem: 'is away.', next: 'Wait.' });

const configMap = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata: {value: "${value}"}\n`;
/** What is deployed first, and what then; the names are those of one test. */
const former = (name: string) => [configMap(`${name}-a`, '1'), configMap(`${name}-gone`, '1')].join('---\n');
const wanted = (name: string) => [configMap(`${name}-a`, '2'), configMap(`${name}-new`, '1')].join('---\n');

function processOf(name: string, client: KubernetesClient, on?: (event: DeployEvent, process: Process) => void) {
  return deployProcess(cluster, name, client, on);
}

/** What is deployed under a name: `name=value`, in the order of names. */
async function contents(name: string): Promise<string[]> {
  const selector = { labelSelector: `${INVENTORY_LABEL}=${name}` };
  const found = await cluster.client.list(resources.configMap, 'default', selector, never);
  return found.map(({ metadata, data }) => `${metadata.name.slice(name.length + 1)}=${Object(data).value}`).toSorted();
}

const asFound = ['a=1', 'gone=1'];
const asAsked = ['a=2', 'new=1'];

describe('a deployment that is killed before any of its writes', () => {
  async function atEachWrite(kind: string, check: (name: string) => Promise<void>): Promise<void> {
    let writes = 0;
    for (let isOver = false; !isOver; ) {
      writes += 1;
      const name = `${kind}${writes}`;
      await processOf(name, cluster.client).deploy(former(name));
      const verdict = processOf(name, dyingClient(cluster.client, writes)).deploy(wanted(name));
      isOver = (await verdict.catch(() => undefined)) === 'deployed';
      if (!isOver) await check(name);
    }
    expect(writes).toBeGreaterThan(8);
  }

  it('ends as asked when it is run again', async () => {
    await atEachWrite('again', async (name) => {
      expect(['deployed', 'unchanged']).toContain(await processOf(name, cluster.client).deploy(wanted(name)));
      expect(await contents(name)).toEqual(asAsked);
      expect(await createInventoryStore(cluster.client, 'default', name).loadSnapshot(never)).toBeUndefined();
    });
  });

  it('is undone, or finished where it was beyond that, by its post step', async () => {
    await atEachWrite('post', async (name) => {
      const verdict = await processOf(name, cluster.client).conclude();
      // It may have been killed before it has begun, or after its end.
      if (verdict === undefined) expect([asFound, asAsked]).toContainEqual(await contents(name));
      else expect(await contents(name)).toEqual(verdict === 'undone' ? asFound : asAsked);
      expect([undefined, 'undone', 'deployed']).toContain(verdict);
      expect(await processOf(name, cluster.client).conclude()).toBeUndefined();
    });
  });
});

describe('a deployment', () => {
  /** Deploys over what is there, until one event. */
  async function stopped(name: string, type: DeployEvent['type'], stop: (process: Process) => void) {
    await processOf(name, cluster.client).deploy(former(name));
    const process = processOf(name, cluster.client, (event, self) => event.type === type && stop(self));
    return { ...process, verdict: process.deploy(wanted(name)) };
  }

  it('that is canceled once it has begun is undone', async () => {
    const { verdict, events } = await stopped('canceled', 'applied', ({ cancel }) => cancel());
    expect(await verdict).toBe('undone');
    expect(await contents('canceled')).toEqual(asFound);
    expect(events.at(-1)).toMatchObject({ reason: 'this run: was asked to stop. All is as it was before.' });
  });

  it('that is canceled when all is ready comes to its end', async () => {
    const { verdict } = await stopped('ready', 'pruned', ({ cancel }) => cancel());
    expect(await verdict).toBe('deployed');
    expect(await contents('ready')).toEqual(asAsked);
  });

  it('leaves all to the run that has taken its Lease', async () => {
    const { verdict, events } = await stopped('lost', 'applied', ({ lose }) => lose());
    await expect(verdict).rejects.toBe(takenOver);
    expect(events.map(({ type }) => type)).not.toContain('undoing');
  });

  it('that has lost its Lease on the way back stops there', async () => {
    await processOf('back', cluster.client).deploy(former('back'));
    const { deploy: again, events } = processOf('back', cluster.client, ({ type }, { cancel, lose }) => {
      if (type === 'applied') cancel();
      if (type === 'undoing') lose();
    });
    await expect(again(wanted('back'))).rejects.toBe(takenOver);
    expect(events.map(({ type }) => type)).not.toContain('restored');
    expect((await createInventoryStore(cluster.client, 'default', 'back').load(never))?.phase).toBe('applying');
  });

  it('whose way back the API server does not let it see is left to post, which undoes it', async () => {
    await processOf('away', cluster.client).deploy(former('away'));
    let isAway = false;
    const client: KubernetesClient = {
      ...cluster.client,
      find: async (...given) => (isAway ? Promise.reject(away) : cluster.client.find(...given)),
    };
    const { deploy: again, events } = processOf('away', client, ({ type }, { cancel }) => {
      if (type !== 'applied') return;
      isAway = true;
      cancel();
    });
    await expect(again(wanted('away'))).rejects.toMatchObject({
      code: 'unreachable',
      problem: 'is away. What was changed is not undone yet (this run: was asked to stop.).',
    });
    expect(events.map(({ type }) => type)).not.toContain('ended');
    expect(await processOf('away', cluster.client).conclude()).toBe('undone');
    expect(await contents('away')).toEqual(asFound);
  });
});

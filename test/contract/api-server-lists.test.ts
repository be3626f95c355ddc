import { describe, expect, test } from 'vitest';
import { anyList, configMap, configMaps, create, itemsOf, target, virtualServices } from './api-server-target.ts';
import { anyObject } from './target.ts';

describe('lists', () => {
  test('label selectors', async () => {
    await create(configMaps(), configMap('listed-1', {}, { labels: { suite: 'lists', arm: 'stable' } }));
    await create(configMaps(), configMap('listed-2', {}, { labels: { suite: 'lists', arm: 'canary', extra: '' } }));
    const names = async (selector: string) => {
      const { body } = await target.call('GET', `${configMaps()}?labelSelector=${encodeURIComponent(selector)}`);
      return itemsOf(body).map((item) => item.metadata.name);
    };
    expect(await names('suite=lists')).toEqual(['listed-1', 'listed-2']);
    expect(await names('suite=lists,arm==canary')).toEqual(['listed-2']);
    expect(await names('suite=lists,arm!=canary')).toEqual(['listed-1']);
    expect(await names('suite in (lists,other),arm notin (stable)')).toEqual(['listed-2']);
    expect(await names('suite,!extra')).toEqual(['listed-1']);
    const malformed = await target.call('GET', `${configMaps()}?labelSelector=${encodeURIComponent('a===b')}`);
    expect(malformed).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
  });

  test('field selectors, and a refusal of fields that can’t be selected', async () => {
    await create(configMaps(), configMap('field-listed'));
    const { body } = await target.call('GET', `${configMaps()}?fieldSelector=metadata.name%3Dfield-listed`);
    expect(body).toMatchObject({
      kind: 'ConfigMapList',
      apiVersion: 'v1',
      items: [{ metadata: { name: 'field-listed' } }],
    });
    expect(await target.call('GET', `${configMaps()}?fieldSelector=data.a%3D1`)).toMatchObject({ status: 400 });
  });

  test('items of built-in kinds carry neither kind nor apiVersion', async () => {
    await create(configMaps(), configMap('bare'));
    const { body } = await target.call('GET', `${configMaps()}?fieldSelector=metadata.name%3Dbare`);
    const [item] = itemsOf(body);
    expect(item).not.toHaveProperty('kind');
    expect(item).not.toHaveProperty('apiVersion');
  });
});

describe('watch', () => {
  const listVersion = async (path: string): Promise<string> => {
    const { body } = await target.call('GET', path);
    return anyList.parse(body).metadata.resourceVersion;
  };
  const told = (events: readonly { type: string; object: Record<string, unknown> }[]) =>
    events.map(({ type, object }) => `${type} ${anyObject.parse(object).metadata.name}`);

  test('gives every change after a resourceVersion, in order, and can be resumed in the middle', async () => {
    const start = await listVersion(configMaps());
    const selector = 'labelSelector=suite%3Dwatch';
    const labels = { labels: { suite: 'watch' } };
    const first = await create(configMaps(), configMap('watched', { a: '1' }, labels));
    await target.object('PUT', configMaps('watched'), { body: configMap('watched', { a: '2' }, labels) });
    await target.call('DELETE', configMaps('watched'));
    const url = `${configMaps()}?watch=true&${selector}&resourceVersion=`;
    const all = await target.watch(`${url}${start}`, (events) => events.length === 3);
    expect(told(all)).toEqual(['ADDED watched', 'MODIFIED watched', 'DELETED watched']);
    const resumed = await target.watch(`${url}${first.metadata.resourceVersion}`, (events) => events.length === 2);
    expect(resumed).toEqual(all.slice(1));
  });

  test('an object that begins or ceases to match its selector is added or deleted', async () => {
    const start = await listVersion(configMaps());
    const label = (value: string) => configMap('relabelled', {}, { labels: { phase: value } });
    await create(configMaps(), label('other'));
    await target.object('PUT', configMaps('relabelled'), { body: label('wanted') });
    await target.object('PUT', configMaps('relabelled'), { body: label('other') });
    const url = `${configMaps()}?watch=true&labelSelector=phase%3Dwanted&resourceVersion=${start}`;
    expect(told(await target.watch(url, (events) => events.length === 2))).toEqual([
      'ADDED relabelled',
      'DELETED relabelled',
    ]);
  });

  test('ends by itself after timeoutSeconds', async () => {
    const start = await listVersion(configMaps());
    const url = `${configMaps()}?watch=true&fieldSelector=metadata.name%3Dnone&timeoutSeconds=1&resourceVersion=${start}`;
    expect(await target.watch(url, () => false)).toEqual([]);
  });

  test('one that is too old is told so in the stream, as 410 Expired', async (context) => {
    // A real server forgets by compaction: a kind defined after its start is one whose revision 1 is surely gone.
    if (!target.has.istio) context.skip();
    const events = await target.watch(`${virtualServices()}?watch=true&resourceVersion=1`, (seen) => seen.length === 1);
    expect(events).toMatchObject([
      { type: 'ERROR', object: { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410 } },
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import type { HelmEvent } from '../../../src/helm/events.ts';
import { type FactSources, factsOf, releaseFacts } from '../../../src/helm/facts.ts';
import { parseHistory } from '../../../src/helm/history.ts';

const history = parseHistory(
  JSON.stringify([
    {
      revision: 4,
      updated: '2026-01-01T00:00:00Z',
      status: 'deployed',
      chart: 'shop-1.2.3',
      app_version: '7',
      description: 'Rollback to 2',
    },
  ]),
);

/** A release whose change is over; what `away` names does not answer any more. */
function factsWhile(away?: 'history' | 'release' | 'names') {
  const told: HelmEvent[] = [];
  const answer = <T>(of: 'history' | 'release' | 'names', value: T) =>
    of === away ? Promise.reject(new Error('connection refused')) : Promise.resolve(value);
  const sources: FactSources = {
    helm: {
      history: () => answer('history', history),
      release: () =>
        answer('release', { version: 4, manifest: 'kind: Service', info: { status: 'deployed', notes: '' } }),
    },
    objects: { names: () => answer('names', ['Service shop/shop']) },
    clock: { now: () => 1_000, sleep: () => Promise.resolve() },
    emit: (event) => void told.push(event),
  };
  return { facts: factsOf(sources, new AbortController().signal), told };
}

describe('factsOf', () => {
  it('gives what the release is now', async () => {
    const { facts, told } = factsWhile();
    expect(await facts).toMatchObject({ revision: 4, chart: 'shop', chartVersion: '1.2.3', appVersion: '7' });
    expect((await facts)?.resources).toEqual(['Service shop/shop']);
    expect(told).toEqual([]);
  });

  it.each([
    ['shop-1.2', 'shop', '1.2'],
    ['shop-v2', 'shop', 'v2'],
    ['shop-2.0-1.2.3-rc.1', 'shop-2.0', '1.2.3-rc.1'],
    ['web-1-0.1.0+build-2', 'web-1', '0.1.0+build-2'],
  ])('tells chart and version apart: %s', async (chart, name, chartVersion) => {
    const sources: FactSources = {
      helm: { history: async () => history, release: () => Promise.reject(new Error('is not asked')) },
      objects: { names: async () => [] },
      clock: { now: () => 0, sleep: async () => undefined },
      emit: () => undefined,
    };
    const facts = await releaseFacts(
      sources,
      { revision: 1, chart, app_version: '' },
      '',
      new AbortController().signal,
    );
    expect(facts).toMatchObject({ chart: name, chartVersion });
  });

  it('leaves out the objects alone where only they are not told', async () => {
    const { facts, told } = factsWhile('names');
    expect(await facts).toMatchObject({ revision: 4, chartVersion: '1.2.3', resources: undefined });
    expect(told).toMatchObject([{ type: 'note', level: 'warning', text: expect.stringContaining('its objects') }]);
  });

  it.each(['history', 'release'] as const)('gives nothing, and warns, where %s is not told', async (away) => {
    const { facts, told } = factsWhile(away);
    expect(await facts).toBeUndefined();
    expect(told).toMatchObject([
      { type: 'note', level: 'warning', text: expect.stringMatching(/revision .* could not be read.*refused/) },
    ]);
  });
});

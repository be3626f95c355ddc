import { expect, it } from 'vitest';
import { type FirstPlace, releaseFirst } from '../../../../src/actions/canary/first-release.ts';
import { loadInputs } from '../../../../src/actions/canary/load-inputs.ts';
import type { RolloutEvent } from '../../../../src/canary/events.ts';
import { SluiceError } from '../../../../src/core/errors.ts';
import { createCluster, createOptions, createWorld } from '../../../support/domain-world.ts';

const signal = new AbortController().signal;
const first = { about: 'Deployment shop/checkout', exists: false };

async function release(wanted: string) {
  const given = {
    workload: 'deployment/checkout',
    image: 'checkout:2',
    service: 'checkout',
    route: 'httproute/checkout',
    steps: '5 for 2m, 100',
    'first-release': wanted,
  };
  const { inputs } = await loadInputs({
    env: Object.fromEntries(Object.entries(given).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
    readFile: () => Promise.reject(new Error('none')),
    glob: async () => [],
    mask: () => undefined,
  });
  const events: RolloutEvent[] = [];
  const world = createWorld(createCluster());
  const missing = () =>
    Promise.reject(
      new SluiceError('not-found', {
        about: 'Deployment shop/checkout',
        problem: 'does not exist.',
        next: 'Namespace shop holds no workload.',
      }),
    );
  const emit: FirstPlace['emit'] = (event) => events.push(event);
  const refuse = () => {
    throw new Error('the cluster is not asked');
  };
  const client = new Proxy<FirstPlace['cluster']['client']>(Object.create(null), { get: refuse });
  const cluster = { client, namespace: 'shop', clock: world.clock, rollout: 'checkout', drain: 0, lifetime: signal };
  const announced = { world: { ...world, emit, arms: { ...world.arms, inspect: missing } }, options: createOptions() };
  const ended = releaseFirst(first, { cluster, inputs, clock: world.clock, emit }, announced, signal);
  return { ended, events };
}

it('a workload that is not there is refused as ever, with the ways to deploy it', async () => {
  const { ended } = await release('deploy');
  await expect(ended).rejects.toMatchObject({
    problem: 'does not exist.',
    next: expect.stringMatching(/^Namespace shop holds no workload\. .*kubectl-deploy.*"first-release: skip"/),
  });
});

it('is left to what follows where that is asked for, and told', async () => {
  const { ended, events } = await release('skip');
  await ended;
  expect(events).toContainEqual(expect.objectContaining({ type: 'first-release', deploys: false }));
  expect(events.map(({ type }) => type)).not.toContain('ended');
});

it('is refused for those who want that', async () => {
  const { ended } = await release('refuse');
  await expect(ended).rejects.toMatchObject({ problem: expect.stringContaining('"first-release: refuse" is set') });
});

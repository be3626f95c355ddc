import { describe, expect, test } from 'vitest';
import { runWorkflow, starter } from '../workflows/act.ts';
import { expectPromoted, expectRolledBack, lookAt } from './endings.ts';
import { digestImage, inShop, type Shop } from './shop.ts';
import { underLoad } from './traffic.ts';

/** The starter workflow as it is copied; what the lab's shop is called is in variables, as a user has it. */
async function release(shop: Shop, tag: string) {
  return runWorkflow({
    workflow: await starter('canary'),
    event: 'workflow_dispatch',
    inputs: { image: await digestImage(tag) },
    secrets: { KUBECONFIG: shop.kubeconfig },
    vars: {
      SLUICE_NAME: 'checkout',
      SLUICE_NAMESPACE: shop.namespace,
      SLUICE_ROUTE_KIND: 'virtualservice',
      SLUICE_STEPS: '10 for 3s, 50 for 3s then hold, 100',
    },
    deadline: 200_000,
  });
}

describe.concurrent('A copy of the starter workflow canary, run by act under load', () => {
  test('promotes a good version after the approval', async () => {
    await inShop({}, async (shop) => {
      const found = await lookAt(shop);
      const seen = await underLoad({ host: shop.hosts.istio }, () => release(shop, 'v2'));
      await expectPromoted(shop, found, seen, 'workflow-promoted');
      expect(seen.ended.log).toMatch(/approve by somebody who says to be alice/);
    });
  });

  test('rolls back one that answers nothing but errors', async () => {
    await inShop({}, async (shop) => {
      const found = await lookAt(shop);
      const seen = await underLoad({ host: shop.hosts.istio }, () => release(shop, 'v2-errors-100pct'));
      const { reason } = await expectRolledBack(shop, found, seen, 'workflow-rolled-back');
      expect(reason).toMatch(/error-rate/);
    });
  });
});

import { eventsSource } from '../../src/sources/cluster/events.ts';
import type { Respond } from '../support/answering-server.ts';
import { apiClient } from '../support/api-client.ts';
import { checkoutDeployment } from '../support/pods-double.ts';
import { describeFaults } from '../support/source-faults.ts';

const healthy: Respond = (path) =>
  path.includes('/deployments/')
    ? { body: checkoutDeployment }
    : { body: { metadata: { resourceVersion: '1' }, items: [] } };

describeFaults({
  name: 'events of Kubernetes',
  now: Date.UTC(2026, 10, 28, 12, 30),
  source: (address, patience) =>
    eventsSource(
      { target: { kind: 'deployment', name: 'checkout' }, reasons: [], ignore: [] },
      { client: apiClient(address, patience), namespace: 'shop' },
    ),
  healthy,
});

import { podLogsSource } from '../../src/sources/cluster/pod-logs.ts';
import type { Respond } from '../support/answering-server.ts';
import { apiClient } from '../support/api-client.ts';
import { checkoutDeployment, logLine, podObject } from '../support/pods-double.ts';
import { describeFaults } from '../support/source-faults.ts';

const now = Date.UTC(2026, 10, 28, 12, 30);
const healthy: Respond = (path) => {
  if (path.includes('/log?')) return { body: logLine(now - 3_600_000, 'starts'), headers: {} };
  if (path.includes('/deployments/')) return { body: checkoutDeployment };
  return { body: { metadata: { resourceVersion: '1' }, items: [podObject('a', { running: now - 3_600_000 })] } };
};

describeFaults({
  name: 'logs of pods',
  now,
  source: (address, patience) =>
    podLogsSource(
      {
        target: { kind: 'deployment', name: 'checkout' },
        container: undefined,
        pattern: 'ERROR',
        total: undefined,
        acceptLost: false,
      },
      { client: apiClient(address, patience), namespace: 'shop' },
    ),
  healthy,
});

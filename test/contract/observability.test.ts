import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as alertmanager from '../../lab/observability/alertmanager.ts';
import { isBuilt, type ServerName } from '../../lab/observability/index.ts';
import * as jaeger from '../../lab/observability/jaeger.ts';
import * as opensearch from '../../lab/observability/opensearch.ts';
import { send } from '../../lab/observability/send.ts';
import type { Server } from '../../lab/observability/server.ts';
import * as victorialogs from '../../lab/observability/victorialogs.ts';

/** A JVM starts slowly where others use the processors, too. */
const TIMEOUT = 90_000;

const minute = 60_000;
const now = Date.now();

/** A question, and a part of its answer. */
interface Asked {
  readonly path: string;
  readonly found: string;
}

/** A server takes what is put into it, gives it back, and leaves nothing behind. `npm run test:real -- sources` looks closer. */
function itWorks<S extends Server>(name: ServerName, start: () => Promise<S>, put: (server: S) => Promise<Asked>) {
  it.skipIf(!isBuilt(name))(name, { timeout: TIMEOUT }, async () => {
    const server = await start();
    try {
      const { path, found } = await put(server);
      expect(await send(server.address, path)).toContain(found);
    } finally {
      await server.stop();
    }
    await expect(send(server.address, '/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(existsSync(server.folder)).toBe(false);
  });
}

describe('a server of the lab gives back what it is given (skipped where it was not built: npm run lab -- build observability)', () => {
  itWorks('alertmanager', alertmanager.start, async ({ address }) => {
    const times = { from: now - minute, to: now + 10 * minute };
    await alertmanager.putAlerts(address, [
      { labels: { alertname: 'HighErrorRate', service: 'checkout' }, ...times },
      { labels: { alertname: 'HighErrorRate', service: 'pay' }, ...times },
    ]);
    return { path: `/api/v2/alerts?filter=${encodeURIComponent('service="pay"')}`, found: '"service":"pay"' };
  });

  itWorks('jaeger', jaeger.start, async (server) => {
    const at = { at: now - minute, duration: 20 };
    await jaeger.putSpans(server, [
      { service: 'checkout', operation: 'POST /orders', ...at },
      { service: 'pay', operation: 'POST /payments', ...at },
    ]);
    return { path: '/api/services', found: '"pay"' };
  });

  itWorks('opensearch', opensearch.start, async ({ address }) => {
    await opensearch.putDocuments(address, 'logs', [{ level: 'error' }, { level: 'info' }]);
    return { path: '/logs/_count?q=level:error', found: '"count":1' };
  });

  itWorks('victorialogs', victorialogs.start, async ({ address }) => {
    await victorialogs.putLines(address, [{ at: now - minute, message: 'it failed', fields: { level: 'error' } }]);
    return { path: `/select/logsql/query?query=${encodeURIComponent('level:error')}`, found: '"_msg":"it failed"' };
  });
});

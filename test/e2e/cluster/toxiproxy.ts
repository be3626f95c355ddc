import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'undici';
import * as z from 'zod';
import { buildTools, programPath } from '../../../lab/cluster/programs.ts';
import { freePort } from '../../../lab/programs/processes.ts';
import { waitUntil } from '../../../lab/programs/wait.ts';

/** What a proxy does to the answers: https://github.com/Shopify/toxiproxy#toxics. Milliseconds, bytes, kilobytes a second. */
export type Toxic =
  | { readonly type: 'latency'; readonly latency: number; readonly jitter: number }
  | { readonly type: 'bandwidth'; readonly rate: number }
  | { readonly type: 'slicer'; readonly average_size: number; readonly size_variation: number; readonly delay: number }
  | { readonly type: 'limit_data'; readonly bytes: number }
  | { readonly type: 'reset_peer'; readonly timeout: number }
  | { readonly type: 'timeout'; readonly timeout: number };

export type Toxiproxy = Awaited<ReturnType<typeof startToxiproxy>>;

const listening = z.object({ listen: z.string() });
const never = new AbortController().signal;

/** Starts a toxiproxy on the host; it is built at the first time. */
export async function startToxiproxy() {
  await buildTools(never);
  const port = await freePort();
  const server = spawn(programPath('toxiproxy'), ['-host', '127.0.0.1', '-port', `${port}`], { stdio: 'ignore' });
  const api = `http://127.0.0.1:${port}`;

  async function call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<string> {
    const answer = await request(api + path, { method, body: body === undefined ? null : JSON.stringify(body) });
    const text = await answer.body.text();
    if (answer.statusCode >= 400) throw new Error(`toxiproxy ${method} ${path}: HTTP ${answer.statusCode} ${text}`);
    return text;
  }

  await waitUntil(async () => (await call('GET', '/version')) !== '', {
    what: 'toxiproxy ready',
    timeout: 10_000,
    signal: never,
  });
  let count = 0;

  return {
    /** A way to a server of the lab (`http://10.10.0.2:9090`) that does no harm yet. */
    async proxyTo(upstream: string) {
      count += 1;
      const path = `/proxies/${count}`;
      const { host } = new URL(upstream);
      const proxy = { name: `${count}`, listen: '127.0.0.1:0', upstream: host };
      const { listen } = listening.parse(JSON.parse(await call('POST', '/proxies', proxy)));
      const added: string[] = [];
      return {
        /** `127.0.0.1:40001` */
        host: listen,
        /** Harms a fraction of the connections from now on, those that are open among them. */
        async harm({ type, ...attributes }: Toxic, fraction = 1): Promise<void> {
          const name = `${type}-${added.length}`;
          await call('POST', `${path}/toxics`, { name, type, stream: 'downstream', toxicity: fraction, attributes });
          added.push(name);
        },
        async heal(): Promise<void> {
          for (const name of added.splice(0)) await call('DELETE', `${path}/toxics/${name}`);
        },
        /** Refuses connections, and closes those that are open; or takes them again. */
        cut: () => call('POST', path, { enabled: false }),
        join: () => call('POST', path, { enabled: true }),
      };
    },
    async stop(): Promise<void> {
      server.kill();
      if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
    },
  };
}

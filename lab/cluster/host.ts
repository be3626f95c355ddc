import { Agent, request } from 'undici';
import { addresses } from './layout.ts';

/**
 * TLS and socket options of connections from the host into the lab. They use the host's end of the veth pair as the source: if
 * the lab is down, they fail at once instead of reaching another owner of the address.
 */
export const fromHost = { localAddress: addresses.host } as const;

/** For requests that need not verify the server; the API server's certificate is its own. */
export const labAgent = new Agent({ connect: { ...fromHost, rejectUnauthorized: false } });

/** True when a URL of the lab answers with a 2xx status. Rejects while nobody listens. */
export async function answers(url: string): Promise<boolean> {
  const response = await request(url, { dispatcher: labAgent, signal: AbortSignal.timeout(2000) });
  await response.body.dump();
  return response.statusCode >= 200 && response.statusCode < 300;
}

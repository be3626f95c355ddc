import { Agent } from 'undici';
import { addresses } from './layout.ts';

/**
 * TLS and socket options of connections from the host into the lab. They use the host's end of the veth pair as the source: if
 * the lab is down, they fail at once instead of reaching another owner of the address.
 */
export const fromHost = { localAddress: addresses.host } as const;

/** For requests that need not verify the server; the API server's certificate is its own. */
export const labAgent = new Agent({ connect: { ...fromHost, rejectUnauthorized: false } });

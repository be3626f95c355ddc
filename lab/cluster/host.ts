import { Agent } from 'undici';
import { addresses } from './layout.ts';

/**
 * TLS and socket options of connections from the host into the lab. They leave by the host's end of the veth pair: where
 * there is none, as the lab is down, they fail at once instead of going to whoever else has the address.
 */
export const fromHost = { localAddress: addresses.host } as const;

/** For requests that need no proof of who answers; the API server's certificate is its own. */
export const labAgent = new Agent({ connect: { ...fromHost, rejectUnauthorized: false } });

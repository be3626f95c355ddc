import { soundsSecret } from '../core/secret-name.ts';
import { unsafeWay } from '../core/unsafe-way.ts';
import type { Connection } from './connection.ts';

/** A warning about credentials that go to a server without TLS; undefined if there are none, or they are safe. */
export function unsafeConnection(product: string, connection: Connection): string | undefined {
  const { address, authorization, headers = {} } = connection;
  if (!authorization && !Object.keys(headers).some(soundsSecret)) return undefined;
  const next = `Give ${product} an https:// address.`;
  return unsafeWay(address, { credentials: `credentials of ${product}`, isVerified: true, next });
}

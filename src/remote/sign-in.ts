import { readFile } from 'node:fs/promises';
import type { Dispatcher } from 'undici';
import { createDispatcher } from '../cluster/transport.ts';
import { SluiceError } from '../core/errors.ts';
import type { Connection, RemoteWorld } from './connection.ts';
import { type AwsCredentials, signedHeaders } from './sigv4.ts';

/** A server as it is reached, and what it is. */
export interface Server {
  /** For logs and errors: `Prometheus`. */
  readonly product: string;
  readonly connection: Connection;
}

export function nameOf({ product, connection }: Server): string {
  return `${product} ${connection.address}`;
}

/** What a request to a server takes: headers that sign in, and the sockets to send it by. */
type SignIn = (address: string) => Promise<{ headers: Record<string, string>; dispatcher: Dispatcher }>;

interface Signing {
  readonly env: RemoteWorld['env'];
  /** Those of the environment, for requests that are signed. */
  readonly credentials: AwsCredentials | undefined;
}

/**
 * Signs in to the server at a URL. Files are read again for each request; the sockets are opened anew when certificates change.
 */
export function createSignIn(url: string, server: Server, { env, credentials }: Signing): SignIn {
  const { product, connection } = server;
  let pool: { readonly key: string; readonly dispatcher: Dispatcher } | undefined;

  return async (address) => {
    const { ca, cert, key } = connection.tls ?? {};
    const tls = {
      ...(ca !== undefined && { ca: await pem(ca, product) }),
      ...(cert !== undefined && { cert: await pem(cert, product) }),
      ...(key !== undefined && { key: await pem(key, product) }),
    };
    const identity = JSON.stringify(tls);
    if (pool?.key !== identity) {
      void pool?.dispatcher.close();
      pool = { key: identity, dispatcher: createDispatcher(tls, url, env) };
    }
    return {
      headers: await headersOf(server, address, credentials),
      dispatcher: pool.dispatcher,
    };
  };
}

/**
 * The headers of the connection and those that sign in.
 *
 * @param credentials those of the environment, for requests that are signed
 */
async function headersOf(
  { product, connection: { authorization, headers = {} } }: Server,
  url: string,
  credentials: AwsCredentials | undefined,
): Promise<Record<string, string>> {
  switch (authorization?.kind) {
    case undefined:
      return headers;
    case 'bearer':
      return { ...headers, authorization: `Bearer ${authorization.token}` };
    case 'bearer-file': {
      const token = await readOrRefuse(authorization.path, `bearer token of ${product}`);
      return { ...headers, authorization: `Bearer ${token.trim()}` };
    }
    case 'basic': {
      const { username, password } = authorization;
      return {
        ...headers,
        authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
      };
    }
    case 'sigv4': {
      const { region, service } = authorization;
      return credentials ? signedHeaders(url, headers, { region, service, credentials }) : headers;
    }
  }
}

async function pem(value: string, product: string): Promise<string> {
  return value.includes('-----BEGIN') ? value : await readOrRefuse(value, `certificate of ${product}`);
}

async function readOrRefuse(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new SluiceError('invalid-input', {
      about: what,
      // A text that is no path may be the secret itself, so it is not quoted.
      problem: path.includes('\n') || path.length > 300 ? 'is no path.' : `can't be read from ${path}.`,
      next: 'Give the path of a readable file.',
      cause,
    });
  }
}

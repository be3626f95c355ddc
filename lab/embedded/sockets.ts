import type { Server } from 'node:http';

/** Listens on a loopback port (0: any free one). @returns the port. */
export function listen(server: Server, port: number): Promise<number> {
  // A server that closes an idle connection just as the next request is sent loses that request. In the lab, only the faults
  // under test may lose requests.
  server.keepAliveTimeout = 0;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('The server listens on no port.'));
      else resolve(address.port);
    });
  });
}

/** Stops listening and cuts every connection. */
export function close(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeAllConnections();
  });
}

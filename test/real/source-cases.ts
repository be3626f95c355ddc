import { expect, it } from 'vitest';
import type { Server } from '../../lab/observability/server.ts';
import { freePort } from '../../lab/programs/processes.ts';
import type { Source } from '../../src/gates/ports.ts';
import type { Look, Window } from '../../src/judge/looks/look.ts';

interface Outage {
  readonly source: (address: string) => Source;
  readonly server: () => Server;
  /** A window in which the server has data. */
  readonly window: Window;
}

/** Milliseconds for a question that nobody will answer. */
const PATIENCE = 500;

/** What a look says, or the error that it ends with. */
export async function lookOf(source: Source, window: Window, patience = 20_000): Promise<Look | Error> {
  return source.look(window, AbortSignal.timeout(patience)).catch((error: unknown) => {
    if (error instanceof Error) return error;
    throw error;
  });
}

/** A server that is away, slow or another one is no data; once it is back there are data again. The last tests of a server. */
export function itNeedsAnAnswer({ source, server, window }: Outage, back: (look: Look | Error) => void): void {
  it('an address where nobody listens is an error', async () => {
    const asked = source(`http://127.0.0.1:${await freePort()}`);
    expect(await lookOf(asked, window, PATIENCE)).toBeInstanceOf(Error);
    await expect(asked.preflight(AbortSignal.timeout(PATIENCE))).rejects.toThrow();
  });

  it('another path of the server is an error', async () => {
    const asked = source(`${server().address}/another/path`);
    expect(await lookOf(asked, window)).toMatchObject({ name: 'SluiceError' });
    await expect(asked.preflight(AbortSignal.timeout(20_000))).rejects.toMatchObject({ name: 'SluiceError' });
  });

  it('a server that does not answer in time is an error, and answers afterwards', async () => {
    const asked = source(server().address);
    await server().freeze();
    try {
      expect(await lookOf(asked, window, PATIENCE)).toBeInstanceOf(Error);
    } finally {
      server().thaw();
    }
    back(await lookOf(asked, window));
  });

  it('a server that goes away is an error until it is back', async () => {
    const asked = source(server().address);
    back(await lookOf(asked, window));
    await server().kill();
    expect(await lookOf(asked, window, PATIENCE)).toBeInstanceOf(Error);
    await server().restart();
    expect(await lookOf(asked, window)).not.toBeInstanceOf(Error);
  });
}

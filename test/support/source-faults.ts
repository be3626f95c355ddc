import { describe, expect, it } from 'vitest';
import type { Source } from '../../src/gates/ports.ts';
import { type Respond, startAnsweringServer, textOf } from './answering-server.ts';

interface FaultyKind {
  /** Of the cases: `Alertmanager`. */
  readonly name: string;
  /** The source, asking a server at this address. @param patience milliseconds that a client that asks again may take */
  source(address: string, patience: number): Source;
  /** What a server answers that works: the same source finds data there. */
  readonly healthy: Respond;
  /** The time of the looks, milliseconds since the Unix epoch. */
  readonly now: number;
}

/** Milliseconds for what never gets a good answer. */
const PATIENCE = 300;

/** What becomes of a good answer. */
const faults: Readonly<Record<string, (healthy: Respond) => Respond>> = {
  'no credentials (401)': () => () => ({ status: 401, body: { message: 'who are you' } }),
  'too few rights (403)': () => () => ({ status: 403, body: 'no' }),
  'another path (404)': () => () => ({ status: 404, body: '404 page not found\n' }),
  'an empty answer': () => () => ({ body: '' }),
  'the page of a login': () => () => ({
    headers: { 'content-type': 'text/html' },
    body: '<!doctype html><title>Log in</title>',
  }),
  'a redirect to a login': () => () => ({ status: 302, headers: { location: 'https://login.example' }, body: '' }),
  'truncated JSON': (healthy) => (path, request) => {
    const answer = healthy(path, request);
    const body = textOf(answer?.body);
    return { ...answer, body: body.slice(0, body.length - 2) };
  },
  'JSON of another shape': () => () => ({ body: { hello: ['world'] } }),
  'JSON null': () => () => ({ body: 'null' }),
};

/** What a server does wrong ends as an error or as missing data, in the preflight and in a look, and never as data. */
export function describeFaults({ name, source, healthy, now }: FaultyKind): void {
  const window = { from: now - 60_000, to: now };

  describe(`${name}: a server that fails is no data`, () => {
    it('a server that works is', async () => {
      await using server = await startAnsweringServer(healthy);
      const made = source(server.address, 30_000);
      await made.preflight(AbortSignal.timeout(60_000));
      expect(await kindOf(made.look(window, AbortSignal.timeout(60_000)))).not.toMatch(/missing|error/);
    });

    it.concurrent.each(Object.entries(faults))('%s', async (_, fault) => {
      await using server = await startAnsweringServer(fault(healthy));
      const made = source(server.address, PATIENCE);
      const signal = AbortSignal.timeout(60_000);
      expect(await kindOf(made.look(window, signal))).toMatch(/missing|SluiceError/);
      await expect(made.preflight(signal)).rejects.toMatchObject({ name: 'SluiceError' });
    });

    it('no server', async () => {
      const { address } = await stopped();
      const made = source(address, PATIENCE);
      expect(await kindOf(made.look(window, AbortSignal.timeout(200)))).toMatch(/error/i);
      await expect(made.preflight(AbortSignal.timeout(200))).rejects.toThrow();
    });

    it.concurrent('no answer before the deadline', async () => {
      await using server = await startAnsweringServer(() => undefined);
      const made = source(server.address, PATIENCE);
      expect(await kindOf(made.look(window, AbortSignal.timeout(200)))).toMatch(/error/i);
      await expect(made.preflight(AbortSignal.timeout(200))).rejects.toThrow();
    });
  });
}

async function stopped() {
  await using server = await startAnsweringServer(() => undefined);
  return { address: server.address };
}

/** The kind of a look, or the name of the error. */
async function kindOf(look: ReturnType<Source['look']>): Promise<string> {
  return await look.then(
    ({ kind }) => kind,
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
}

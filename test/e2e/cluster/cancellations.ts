/** Releases whose job is cancelled: `stops.test.ts` takes some of them, `test/real/cluster` all. */
import { expect } from 'vitest';
import * as z from 'zod';
import type { Run } from '../../../lab/embedded/runner.ts';
import type { Shop } from './shop.ts';
import { type Inputs, report, type Serving, shows, silenceFromNow, stoppedRelease, tellOfStop } from './stops.ts';

interface Cancellation {
  /** Resolves at the moment of it. */
  readonly when: (run: Run, shop: Shop) => Promise<void>;
  readonly serves: Serving;
  readonly inputs?: Inputs;
  /** The runner loses its patience. */
  readonly killed?: true;
}

const container = z.object({
  spec: z.object({
    template: z.object({ spec: z.object({ containers: z.tuple([z.object({ image: z.string() })]) }) }),
  }),
});

async function exists(shop: Shop, path: string): Promise<boolean> {
  return shop.api.get(path).then(
    () => true,
    () => false,
  );
}

/** Each moment at which the job is cancelled, by what the log or the cluster shows; and what has to serve after it. */
export const cancellations = {
  'right after its start': {
    when: (run, shop) => shows(run, shop, /\S/),
    serves: 'as found',
  },
  'while it writes its record': {
    when: (_, shop) =>
      shop.until('the Lease', () =>
        exists(shop, `/apis/coordination.k8s.io/v1/namespaces/${shop.namespace}/leases/sluice-checkout`),
      ),
    serves: 'as found',
  },
  'while the canary is made ready': {
    when: (_, shop) => shop.until('the canary', () => exists(shop, `${shop.path.deployments}/checkout-canary`)),
    serves: 'as found',
  },
  'right after a shift': {
    when: (run, shop) => shows(run, shop, '0 % → 20 %'),
    serves: 'as found',
  },
  'while it waits for the data plane': {
    when: (run, shop) => shows(run, shop, / 20 %.*canary.*waiting for the data plane/),
    serves: 'as found',
  },
  'in the middle of a step': {
    when: (run, shop) => shows(run, shop, 'The data plane follows at 20 %'),
    serves: 'as found',
  },
  'in the middle of a step, with a drain that outlasts the patience of the runner': {
    when: (run, shop) => shows(run, shop, 'The data plane follows at 20 %'),
    serves: 'as found',
    inputs: { drain: '12s' },
    killed: true,
  },
  'between two steps': {
    when: (run, shop) => shows(run, shop, 'Step 2:'),
    serves: 'as found',
  },
  'at 100 %': {
    when: (run, shop) => shows(run, shop, '60 % → 100 %'),
    serves: 'as found',
  },
  'while the stable version becomes the new one': {
    when: (_, shop) =>
      shop.until('the new image', async () => {
        const { spec } = container.parse(await shop.api.get(`${shop.path.deployments}/checkout`));
        return spec.template.spec.containers[0].image.includes('@');
      }),
    serves: 'as found',
  },
  'while the route returns': {
    when: (_, shop) =>
      shop.until('the way back', async () => /returning|retiring/.test((await shop.record())?.phase ?? '')),
    serves: 'v2',
  },
} as const satisfies Readonly<Record<string, Cancellation>>;

export async function tellOfCancellation(name: string, { when, serves, inputs, killed }: Cancellation): Promise<void> {
  await tellOfStop(
    `cancelled ${name}`,
    { ...(await stoppedRelease('v2')), ...inputs },
    async (run, shop) => {
      await when(run, shop);
      run.cancel();
      return { silence: silenceFromNow() };
    },
    async (told) => {
      report(told, `cancelled ${name}`);
      const { outputs, status, log } = told.seen.ended;
      if (told.record === undefined) {
        expect(outputs.verdict ?? '').toBe('');
        expect(log).toContain('was asked to stop (SIGINT). Run the workflow again to release. Nothing was changed.');
      } else {
        const verdict = serves === 'v2' ? 'promoted' : 'rolled-back';
        expect(told.record).toMatchObject({ phase: 'ended', verdict });
        expect(outputs.verdict).toBe(verdict);
      }
      // A runner that has lost its patience leaves the end to the post step.
      expect(killed ? [undefined] : [serves === 'v2' ? 0 : 1, undefined]).toContain(status);
      await told.expectServed(serves);
    },
  );
}

/** Upgrades of a Helm release that are stopped: `helm.test.ts` takes some of the moments, `test/real/cluster` all. */
import { expect } from 'vitest';
import { resources } from '../../../src/cluster/resources.ts';
import { chart, image, inPlace, loseMachine, type Place } from './helm.ts';

/** A hook that is at work until it is stopped. */
export const HANGS = '60';

/** How far an upgrade is when it is stopped. */
const moments = {
  'has its chart': async (_, log) => log().includes('Chart sha256'),
  'holds the Lease': async ({ find }) => (await find(resources.lease, 'sluice-helm-shop')) !== undefined,
  'begins to write': async (_, log) => log().includes('Writing revision'),
  'runs a hook before': async ({ find }) => (await find(resources.job, 'shop-pre-upgrade')) !== undefined,
  'waits for its pods': async (_, log) => log().includes('0 available'),
  'runs a hook after': async ({ find }) => (await find(resources.job, 'shop-post-upgrade')) !== undefined,
} as const satisfies Readonly<Record<string, (place: Place, log: () => string) => Promise<boolean>>>;
type Moment = keyof typeof moments;

function upgradeStoppedAt(moment: Moment) {
  return { chart, set: `colour=red,image=${image}\n${stillAt(moment)}` };
}

function stillAt(moment: Moment): string {
  if (moment === 'waits for its pods') return `replicas=1,image=${image.replace(/v1$/, 'v2-unready')}`;
  return moment === 'runs a hook after' ? `postUpgrade=${HANGS}` : `preUpgrade=${HANGS}`;
}

/** The job is cancelled: the release is as before. */
export function tellOfCancelledUpgrade(moment: Moment): Promise<void> {
  return inPlace(async (place) => {
    await place.helm('install', place.release, chart);
    const run = await place.start(upgradeStoppedAt(moment));
    await place.until(`that it ${moment}`, () => moments[moment](place, run.printed));
    run.cancel();
    const { status } = await run.ended;
    await run.clean();
    expect(status).not.toBe(0);
    expect(await place.states()).toMatch(/^1 deployed$|^1 superseded, 2 failed, 3 deployed$|^.*, \d deployed$/);
    expect(await place.colour()).toBe('blue');
    const next = await place.deploy({ set: 'colour=green' }, { runId: '2' });
    expect(next.outputs.verdict, next.log).toBe('deployed');
    expect(await place.colour()).toBe('green');
  });
}

/** The machine is lost, with all that runs on it: the next run goes back first, and then gets through. */
export function tellOfLostMachine(moment: Moment): Promise<void> {
  return inPlace(async (place) => {
    await place.helm('install', place.release, chart);
    const run = await place.start(upgradeStoppedAt(moment));
    await place.until(`that it ${moment}`, () => moments[moment](place, run.printed));
    await loseMachine(run);
    await run.clean();
    expect(await place.states()).toBe('1 deployed, 2 pending-upgrade');
    const next = await place.deploy({ set: 'colour=green' }, { runId: '2' });
    expect(next.outputs.verdict, next.log).toBe('deployed');
    expect(next.log).toContain('Rolling back to revision 1');
    expect(await place.states()).toBe('1 superseded, 2 pending-upgrade, 3 superseded, 4 deployed');
    expect(await place.colour()).toBe('green');
  });
}

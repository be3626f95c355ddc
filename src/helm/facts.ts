import { messageOf } from '../core/errors.ts';
import { sha256 } from './chart.ts';
import type { Helm } from './cli.ts';
import type { ReleaseFacts } from './events.ts';
import { latest, type Revision } from './history.ts';
import { note } from './notes.ts';
import type { HelmWorld, ReleaseObjects } from './ports.ts';

/** What is needed to read a release once its change is over. */
export type FactSources = Pick<HelmWorld, 'clock' | 'emit'> & {
  readonly helm: Pick<Helm, 'history' | 'release'>;
  readonly objects: Pick<ReleaseObjects, 'names'>;
};

/** What the release is now; undefined where it is not installed or cannot be read. */
export async function factsOf(world: FactSources, signal: AbortSignal): Promise<ReleaseFacts | undefined> {
  return ifReadable(world, 'The revision that the release has now', async () => {
    const last = latest(await world.helm.history(signal));
    if (!last || last.status === 'uninstalled') return undefined;
    const { manifest } = await world.helm.release(last.revision, signal);
    return releaseFacts(world, last, manifest, signal);
  });
}

/** Helm also takes a version of one or two numbers. */
const shortVersion = /^(.+)-(v?\d+(?:\.\d+)?)$/s;

/** The facts of a release at a revision, from Helm's own record. */
export async function releaseFacts(
  world: FactSources,
  last: Pick<Revision, 'revision' | 'chart' | 'app_version'>,
  manifest: string,
  signal: AbortSignal,
): Promise<ReleaseFacts> {
  const [, chart = last.chart, chartVersion = ''] =
    /^(.+?)-(v?\d+\.\d+\.\d.*)$/s.exec(last.chart) ?? shortVersion.exec(last.chart) ?? [];
  return {
    revision: last.revision,
    chart,
    chartVersion,
    appVersion: last.app_version,
    manifestDigest: sha256(manifest),
    resources: await ifReadable(world, 'The list of its objects', () => world.objects.names(manifest, signal)),
  };
}

/** A failed read here must not change how the change has ended, so it only warns. */
async function ifReadable<T>(world: FactSources, what: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    note(world, 'warning', `${what} could not be read and is left out: ${messageOf(error)}`);
    return undefined;
  }
}

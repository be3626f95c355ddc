import { SluiceError } from '../core/errors.ts';
import { createChartCommands } from './chart-commands.ts';
import { type History, parseHistory } from './history.ts';
import { type ChangeOptions, createInvocation, type HelmOptions } from './invocation.ts';
import { jsonIn, parseRecorded, parseRelease, type Release } from './release.ts';

/** Whether Helm has met a kind that the cluster does not serve, or no longer serves. */
export function isUnknownKind(error: unknown): boolean {
  return error instanceof SluiceError && /no matches for kind|ensure CRDs are installed first/.test(error.problem);
}

export interface Desired extends ChangeOptions {
  /** A folder or an archive. */
  readonly chart: string;
  /** `--values FILE`, `--set KEY=VALUE`, … */
  readonly values: readonly string[];
  /** Helm 4 only; `auto` keeps the method that the release already uses. */
  readonly serverSide: 'auto' | 'true' | 'false';
}

export type Helm = ReturnType<typeof createHelm>;

/** The Helm CLI, for one release. A command that fails throws a SluiceError made from its output. */
export function createHelm(options: HelmOptions) {
  const { file, release, namespace } = options;
  const { helm, change, version } = createInvocation(options);
  const inNamespace = ['--namespace', namespace];

  async function upgradeArgs(desired: Desired, signal: AbortSignal): Promise<string[]> {
    const { chart, values, serverSide, forceConflicts, historyMax } = desired;
    const isHelm4 = (await version(signal)) >= 4;
    return [
      'upgrade',
      release,
      chart,
      '--install',
      ...inNamespace,
      ...values,
      ...(isHelm4 ? [`--server-side=${serverSide}`] : []),
      ...(isHelm4 && forceConflicts ? ['--force-conflicts'] : []),
      '--history-max',
      String(historyMax),
      // Uses the chart's current defaults and the values given now, so that no value of an earlier release stays by accident.
      '--reset-values',
    ];
  }

  /** A revision as it was recorded, without its hooks; reads no objects of the cluster. */
  async function recorded(which: readonly string[], signal: AbortSignal): Promise<Release> {
    const get = (what: string, ...more: string[]) =>
      helm(['get', what, release, ...which, ...more, ...inNamespace], signal);
    const [manifest, values, metadata] = await Promise.all([
      get('manifest'),
      get('values', '--output', 'json'),
      get('metadata', '--output', 'json'),
    ]);
    return parseRecorded({ manifest, values, metadata });
  }

  return {
    ...createChartCommands(helm),

    version,

    /** Checks a chart with these values without a cluster. */
    async lint(chart: string, values: readonly string[], signal: AbortSignal): Promise<void> {
      await helm(['lint', chart, ...values, '--quiet', ...inNamespace], signal);
    },

    /**
     * Renders the release as the cluster would get it. Writes nothing.
     *
     * @param where `client` asks the cluster nothing: lookups of templates are empty, and no kind is unknown
     */
    async render(desired: Desired, signal: AbortSignal, where: 'server' | 'client' = 'server'): Promise<Release> {
      const args = await upgradeArgs(desired, signal);
      return parseRelease(await helm([...args, `--dry-run=${where}`, '--output', 'json'], signal));
    },

    /** The CustomResourceDefinitions that Helm installs before a new release: the chart's folder `crds`, as YAML. */
    definitions(chart: string, signal: AbortSignal): Promise<string> {
      return helm(['show', 'crds', chart], signal);
    },

    async history(signal: AbortSignal): Promise<History> {
      try {
        return parseHistory(jsonIn(await helm(['history', release, '--output', 'json', ...inNamespace], signal)));
      } catch (error) {
        if (error instanceof SluiceError && error.code === 'not-found' && error.about !== file) return [];
        throw error;
      }
    },

    /** A revision as it was recorded; without a number, the newest. */
    async release(revision: number | undefined, signal: AbortSignal): Promise<Release> {
      const which = revision === undefined ? [] : ['--revision', String(revision)];
      try {
        return parseRelease(await helm(['status', release, ...which, '--output', 'json', ...inNamespace], signal));
      } catch (error) {
        // Helm 4 also reads the objects, and fails at a kind that the cluster no longer serves.
        if (!isUnknownKind(error)) throw error;
        return recorded(which, signal);
      }
    },

    async upgrade(desired: Desired, signal: AbortSignal): Promise<void> {
      await change([...(await upgradeArgs(desired, signal)), ...waitFlags(desired)], desired, signal);
    },

    async rollback(revision: number, options: ChangeOptions, signal: AbortSignal): Promise<void> {
      const { historyMax, forceConflicts } = options;
      const force = forceConflicts && (await version(signal)) >= 4 ? ['--force-conflicts'] : [];
      const args = [
        'rollback',
        release,
        String(revision),
        ...inNamespace,
        '--history-max',
        String(historyMax),
        ...force,
      ];
      await change([...args, ...waitFlags(options)], options, signal);
    },

    /** Removes the objects and waits until they are gone. */
    async uninstall(options: ChangeOptions & { readonly keepHistory: boolean }, signal: AbortSignal): Promise<void> {
      const keep = options.keepHistory ? ['--keep-history'] : [];
      const args = ['uninstall', release, ...inNamespace, '--ignore-not-found', '--cascade', 'foreground', '--wait'];
      await change([...args, ...keep], options, signal);
    },

    /** Runs the chart's `test` hooks. */
    async test(options: ChangeOptions, signal: AbortSignal): Promise<void> {
      // Without `--logs`, which fails where a test is a Job.
      await change(['test', release, ...inNamespace], options, signal);
    },
  };
}

function waitFlags({ wait, waitForJobs }: ChangeOptions): string[] {
  return wait ? ['--wait', ...(waitForJobs ? ['--wait-for-jobs'] : [])] : [];
}

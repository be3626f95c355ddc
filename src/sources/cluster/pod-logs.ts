import type { KubernetesClient } from '../../cluster/client.ts';
import { resources } from '../../cluster/resources.ts';
import { SluiceError } from '../../core/errors.ts';
import { inParallel } from '../../core/parallel.ts';
import { excerpt } from '../../core/text.ts';
import type { Source } from '../../gates/ports.ts';
import type { Look, Window } from '../../judge/looks/look.ts';
import { lineFilter } from '../../meters/series/pattern.ts';
import { type ContainerRun, type PodRuns, runsOf } from './container-runs.ts';
import { describeTarget, type PodTarget, podPermissions, selectorOf } from './workload-pods.ts';

export interface PodLogQuery {
  readonly target: PodTarget;
  /** Only this container of each pod. */
  readonly container: string | undefined;
  /** RE2: lines in which it is found are bad. */
  readonly pattern: string;
  /** RE2: of which lines the bad ones are a part; of all without it. */
  readonly total: string | undefined;
  /** What pods wrote between the last look and their end is gone with them: counts all the same, with a note. */
  readonly acceptLost: boolean;
}

interface LogPlace {
  readonly client: Pick<KubernetesClient, 'find' | 'list' | 'logSince'>;
  readonly namespace: string;
}

/** Bytes of one log that a look reads: some 20,000 lines. */
const MOST_BYTES = 2 * 1024 * 1024;
/** Bytes of the beginning of a log, which hold the time of its first line. */
const HEAD_BYTES = 200;
const MOST_PODS = 50;
/** Milliseconds until a line is in the log, and that the clocks of nodes may differ. */
const LAG = 5_000;

const stamped = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2}))(?: |$)/;

interface Counted {
  readonly total: number;
  readonly bad: number;
}

/**
 * Lines of the logs of pods, by the API server: nothing has to be installed. What a look can't read is missing and never 0: a log
 * that is longer than its limit or that the node has rotated, runs before the last restart, pods that have ended since.
 */
export function podLogsSource(query: PodLogQuery, { client, namespace }: LogPlace): Source {
  const { target, container, acceptLost } = query;
  const isBad = lineFilter(query.pattern);
  const isCounted = lineFilter(query.total ?? '');
  const about = describeTarget(target, namespace);
  /** The pods of the last look that counted, and whether they ran then. */
  let known = new Map<string, PodRuns>();

  async function podsSince(since: number, signal: AbortSignal): Promise<PodRuns[]> {
    const labelSelector = await selectorOf(target, { client, namespace }, signal);
    const pods = await client.list(resources.pod, namespace, { labelSelector }, signal);
    return pods.map((pod) => runsOf(pod, container, since));
  }

  async function read(run: ContainerRun, since: number | undefined, bytes: number, signal: AbortSignal) {
    const pod = { type: resources.pod, namespace, name: run.pod };
    const options = { container: run.container, previous: run.previous, bytes, ...(since !== undefined && { since }) };
    return await client.logSince(pod, options, signal);
  }

  /** What one run wrote in the window; or why that can't be told. */
  async function countRun(run: ContainerRun, { from, to }: Window, signal: AbortSignal): Promise<Counted | string> {
    const named = `the log of container ${run.container} in pod ${run.pod}`;
    const text = await read(run, from, MOST_BYTES, signal);
    if (Buffer.byteLength(text) >= MOST_BYTES)
      return `${named} is longer than ${MOST_BYTES / 1024 / 1024} MiB: look more often, or at fewer lines`;
    const lines = text.split('\n').filter((line) => line !== '');
    const odd = lines.find((line) => timeOf(line) === undefined);
    // The kubelet says what goes wrong in the place of the log.
    if (odd !== undefined) return `${named} can't be read: ${excerpt(odd, 200)}`;
    if (run.startedAt < from) {
      // Asked after the lines themselves: a log that is rotated in between is seen here.
      const first = timeOf(await read(run, undefined, HEAD_BYTES, signal));
      if (first !== undefined && first >= from) return `${named} was rotated: its beginning is gone`;
    }
    const written = lines.flatMap((line) => {
      const at = timeOf(line) ?? 0;
      return at >= from && at < to ? [line.slice(line.indexOf(' ') + 1)] : [];
    });
    const counted = written.filter(isCounted);
    return { total: counted.length, bad: counted.filter(isBad).length };
  }

  return {
    kind: 'pod-logs',
    asked: `lines with ${excerpt(query.pattern, 200)} of ${about}`,
    permissions: [
      ...podPermissions(target, namespace),
      { apiGroup: '', resource: 'pods', subresource: 'log', verbs: ['get'], namespace },
    ],
    lag: LAG,

    async preflight(signal) {
      const pods = await podsSince(0, signal);
      const containers = [...new Set(pods.flatMap((pod) => pod.containers))];
      if (pods.length === 0) throw refused(about, 'has no pods.', 'Check the name or the labels.');
      if (pods.length > MOST_PODS)
        throw refused(
          about,
          `has ${pods.length} pods, of which each look would read the log.`,
          `Up to ${MOST_PODS} are read: count in Loki or Elasticsearch.`,
        );
      if (container !== undefined && !containers.includes(container))
        throw refused(about, `has no container ${container}.`, `Its pods run ${containers.join(', ')}.`);
      const runs = pods.flatMap((pod) => pod.runs.filter(({ previous }) => !previous));
      const heads = await inParallel(runs, (run) => read(run, undefined, HEAD_BYTES, signal));
      const silent = heads.every((head) => head === '');
      const warnings = silent ? [`${about} has written no line so far.`] : [];
      return { evidence: `${pods.length} pods of ${about}, ${runs.length} logs of ${containers.join(', ')}`, warnings };
    },

    async look(window, signal): Promise<Look> {
      const pods = await podsSince(window.from, signal);
      if (pods.length === 0) return { kind: 'missing', reason: `${about} has no pods` };
      if (pods.length > MOST_PODS) return { kind: 'missing', reason: `${about} has more than ${MOST_PODS} pods` };
      const lost = [...gone(known, pods), ...pods.flatMap((pod) => pod.lost ?? [])];
      const runs = pods.flatMap((pod) => pod.runs);
      if (runs.length === 0) return { kind: 'missing', reason: `no container of ${about} has started` };
      const counted = await inParallel(runs, (run) => countRun(run, window, signal));
      const numbers = counted.filter((one) => typeof one !== 'string');
      const sum = (part: keyof Counted) => numbers.reduce((all, one) => all + one[part], 0);
      const unread = [...(acceptLost ? [] : lost), ...counted.filter((one) => typeof one === 'string')];
      if (unread.length > 0) {
        const atLeast = sum('bad');
        return { kind: 'missing', reason: unread.slice(0, 3).join('; '), ...(atLeast > 0 && { atLeast }) };
      }
      // A container that restarts while the logs are read takes the place of the one that was asked for.
      if (signatureOf(await podsSince(window.from, signal)) !== signatureOf(pods))
        return { kind: 'missing', reason: `pods of ${about} changed while their logs were read` };
      known = new Map(pods.map((pod) => [pod.uid, pod]));
      return { kind: 'counts', total: sum('total'), bad: sum('bad'), notes: lost.map((one) => `${one}.`) };
    },
  };
}

/** The pods that ran at the last look and are gone now, with what they wrote last. */
function gone(known: ReadonlyMap<string, PodRuns>, pods: readonly PodRuns[]): string[] {
  const present = new Set(pods.map(({ uid }) => uid));
  return [...known.values()]
    .filter(({ uid, isRunning }) => isRunning && !present.has(uid))
    .map(({ name }) => `pod ${name} has ended, and what it wrote last is gone`);
}

function signatureOf(pods: readonly PodRuns[]): string {
  return pods
    .map(({ uid, signature }) => `${uid} ${signature}`)
    .toSorted()
    .join('\n');
}

/** When a line was written, milliseconds since the Unix epoch; undefined for one without a time. */
function timeOf(line: string): number | undefined {
  const [, stamp = ''] = stamped.exec(line) ?? [];
  const at = Date.parse(stamp);
  return Number.isNaN(at) ? undefined : at;
}

function refused(about: string, problem: string, next: string): SluiceError {
  return new SluiceError('not-found', { about, problem, next });
}

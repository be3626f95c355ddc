import type { KubernetesClient } from '../../src/cluster/client.ts';
import type { KubernetesObject } from '../../src/cluster/schema.ts';
import { SluiceError } from '../../src/core/errors.ts';

interface ContainerFacts {
  readonly name?: string;
  readonly restartCount?: number;
  readonly running?: number;
  readonly terminated?: readonly [startedAt: number, finishedAt: number];
  readonly last?: readonly [startedAt: number, finishedAt: number];
}

const iso = (at: number) => `${new Date(at).toISOString().slice(0, 19)}Z`;
const span = ([startedAt, finishedAt]: readonly [number, number]) => ({
  terminated: { exitCode: 1, startedAt: iso(startedAt), finishedAt: iso(finishedAt) },
});

/** A pod with its containers; all times are milliseconds since the Unix epoch. */
export function podObject(name: string, ...containers: readonly ContainerFacts[]): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', uid: `uid-${name}`, labels: { app: 'checkout' } },
    status: {
      phase: 'Running',
      containerStatuses: containers.map(({ name: container = 'app', restartCount = 0, running, terminated, last }) => ({
        name: container,
        restartCount,
        state:
          running !== undefined
            ? { running: { startedAt: iso(running) } }
            : terminated
              ? span(terminated)
              : { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: last ? span(last) : {},
      })),
    },
  };
}

export const checkoutDeployment: KubernetesObject = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'checkout', namespace: 'shop', uid: 'uid-checkout' },
  spec: { selector: { matchLabels: { app: 'checkout' } } },
};

/** A line of a log as the kubelet gives it. */
export function logLine(at: number, text: string): string {
  return `${new Date(at).toISOString().slice(0, 23)}456789Z ${text}\n`;
}

/**
 * Pods and their logs as an API server gives them. Logs by `POD/CONTAINER`, those of the run before with `previous ` before it;
 * as on the kubelet, what is older than `sinceTime` is left out, and the answer is cut after `limitBytes`.
 */
export function podsDouble(pods: () => readonly KubernetesObject[], logs: Readonly<Record<string, string>>) {
  const client: Pick<KubernetesClient, 'find' | 'list' | 'logSince'> = {
    find: async ({ name }) => (name === 'checkout' ? checkoutDeployment : undefined),
    list: async ({ kind }) => (kind === 'Pod' ? [...pods()] : [checkoutDeployment]),
    async logSince({ name }, { container, previous, since = 0, bytes }) {
      const log = logs[`${previous ? 'previous ' : ''}${name}/${container}`];
      if (log === undefined)
        throw new SluiceError('invalid-input', {
          about: `Pod shop/${name}`,
          problem: 'has no such log.',
          next: 'Look again.',
        });
      const kept = log.split(/(?<=\n)/).filter((line) => {
        const at = Date.parse(line.split(' ')[0] ?? '');
        return Number.isNaN(at) || at >= Math.floor(since / 1_000) * 1_000;
      });
      return kept.join('').slice(0, bytes);
    },
  };
  return client;
}

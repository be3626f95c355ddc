import type { Manifest } from '../../cluster/schema.ts';

export const CONTAINER = 'stress';

/** Seconds beyond the fault's duration after which the cluster ends a pod whose run has died: time to pull the image. */
const MARGIN = 30;

interface Stress {
  readonly node: string;
  readonly workers: number;
  readonly image: string;
  /** Milliseconds. */
  readonly lasts: number;
}

/**
 * A pod that burns CPU on a node. It passes the restricted Pod Security Standard, asks for next to nothing, so that the node admits
 * it, and has no limit. The cluster ends it by itself.
 */
export function stressPod(metadata: Manifest['metadata'], { node, workers, image, lasts }: Stress): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: {
      nodeName: node,
      restartPolicy: 'Never',
      activeDeadlineSeconds: Math.ceil(lasts / 1000) + MARGIN,
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      // A taint of the node is no reason to leave it.
      tolerations: [{ operator: 'Exists' }],
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 65_534,
        runAsGroup: 65_534,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: CONTAINER,
          image,
          command: ['sh', '-c', script(workers)],
          resources: { requests: { cpu: '10m', memory: '16Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  };
}

/**
 * Each worker counts in a loop, and after some tenths of a second says by its own line in `/proc` how many hundredths of a second of
 * processor time it has had: `burnt 2 431`. Only builtins of a POSIX shell.
 */
function script(workers: number): string {
  return [
    'burn() {',
    '  while :; do',
    '    i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done',
    '    read -r a b c d e f g h i j k l m user system rest < /proc/self/stat && echo "burnt $1 $((user+system))"',
    '  done',
    '}',
    `n=1; while [ $n -le ${workers} ]; do burn $n & n=$((n+1)); done`,
    'wait',
  ].join('\n');
}

/** Seconds of processor time of all workers, by the last line of each; undefined if none has told. */
export function readBurnt(log: string): number | undefined {
  const ticks = new Map<string, number>();
  for (const [, worker = '', burnt] of log.matchAll(/^burnt (\d{1,4}) (\d{1,12})$/gm)) ticks.set(worker, Number(burnt));
  if (ticks.size === 0) return undefined;
  return [...ticks.values()].reduce((sum, burnt) => sum + burnt, 0) / 100;
}

/** What happens while something is deployed, as a log or a report tells it. All times are milliseconds since the epoch. */

/** What is known of a pod that is not ready. */
export interface StuckPod {
  readonly pod: string;
  readonly text: string;
  /** Warnings that the cluster has recorded about it, the newest last. */
  readonly events: readonly string[];
  /** The last lines that its container wrote. */
  readonly lines: readonly string[];
}

/** An object that did not get ready, with all that tells why. */
export interface Stuck {
  /** `Deployment shop/checkout` */
  readonly object: string;
  readonly text: string;
  /** What a person can do about it. */
  readonly next: string;
  readonly events: readonly string[];
  readonly pods: readonly StuckPod[];
}

export type WaitEvent =
  /** An object has got further. */
  | {
      readonly type: 'progress';
      readonly at: number;
      readonly object: string;
      readonly state: 'done' | 'waiting' | 'failed';
      readonly text: string;
    }
  /** A pod waits for something else than before. */
  | {
      readonly type: 'pod';
      readonly at: number;
      readonly object: string;
      readonly pod: string;
      readonly ready: boolean;
      readonly text: string;
    }
  /** A container has crashed: what it wrote last. */
  | {
      readonly type: 'last-lines';
      readonly at: number;
      readonly pod: string;
      readonly container: string;
      readonly lines: readonly string[];
    }
  /** Waiting for the API server, which does not answer. */
  | { readonly type: 'unreachable'; readonly at: number; readonly text: string }
  /** The waiting has ended without success; a SluiceError `not-ready` with the same words follows. */
  | { readonly type: 'stuck'; readonly at: number; readonly objects: readonly Stuck[] };

export interface EventLine {
  readonly level: 'info' | 'good' | 'warning' | 'error';
  readonly text: string;
}

/** An event as lines of a log. */
export function waitLines(event: WaitEvent): EventLine[] {
  switch (event.type) {
    case 'progress': {
      const level = event.state === 'done' ? 'good' : event.state === 'failed' ? 'error' : 'info';
      return [{ level, text: `${event.object}: ${event.text}` }];
    }
    case 'pod':
      return [{ level: event.ready ? 'info' : 'warning', text: `  pod ${event.pod} ${event.text}` }];
    case 'last-lines':
      return [
        { level: 'warning', text: `  last lines of container ${event.container} in pod ${event.pod}:` },
        ...event.lines.map((line) => ({ level: 'info' as const, text: `    | ${line}` })),
      ];
    case 'unreachable':
      return [{ level: 'warning', text: event.text }];
    case 'stuck':
      return event.objects.flatMap(stuckLines);
  }
}

/** All that is known of an object that did not get ready. */
function stuckLines({ object, text, events, pods, next }: Stuck): EventLine[] {
  const info = (line: string) => ({ level: 'info' as const, text: line });
  return [
    { level: 'error', text: `${object}: ${text}` },
    ...events.map((line) => info(`  event: ${line}`)),
    ...pods.flatMap((pod) => [
      info(`  pod ${pod.pod} ${pod.text}`),
      ...pod.events.map((line) => info(`    event: ${line}`)),
      ...pod.lines.map((line) => info(`    | ${line}`)),
    ]),
    info(`  What to do: ${next}`),
  ];
}

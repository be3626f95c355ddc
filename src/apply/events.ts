/** Events of a deployment, for logs and reports. All times are milliseconds since the Unix epoch. */
import type { PlannedWrite } from '../core/planned-write.ts';
import type { DeployVerdict } from './inventory.ts';

/** What is known of a pod that is not ready. */
export interface StuckPod {
  readonly pod: string;
  readonly text: string;
  /** Warning events about the pod, the newest last. */
  readonly events: readonly string[];
  /** The last lines that its container wrote. */
  readonly lines: readonly string[];
}

/** An object that did not get ready, with the evidence. */
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
  /** An object has made progress. */
  | {
      readonly type: 'progress';
      readonly at: number;
      readonly object: string;
      readonly state: 'done' | 'waiting' | 'failed';
      readonly text: string;
    }
  /** A pod waits for another reason than before. */
  | {
      readonly type: 'pod';
      readonly at: number;
      readonly object: string;
      readonly pod: string;
      readonly ready: boolean;
      readonly text: string;
    }
  /** The last lines of a container that crashed. */
  | {
      readonly type: 'last-lines';
      readonly at: number;
      readonly pod: string;
      readonly container: string;
      readonly lines: readonly string[];
    }
  /** The API server does not answer. */
  | { readonly type: 'unreachable'; readonly at: number; readonly text: string }
  /** The wait has failed; a SluiceError `not-ready` with the same words follows. */
  | { readonly type: 'stuck'; readonly at: number; readonly objects: readonly Stuck[] };

/** An object of the manifests and its planned action. */
export interface PlannedObject {
  readonly object: string;
  readonly action: 'create' | 'update' | 'unchanged' | 'prune' | 'keep';
  readonly write: PlannedWrite | undefined;
  /** Why the API server could not check the object before the write. */
  readonly unchecked?: string;
}

export type DeployEvent =
  | WaitEvent
  | {
      readonly type: 'started';
      readonly at: number;
      readonly name: string;
      readonly namespace: string;
      readonly by: string;
      readonly digest: string;
    }
  /** A former run of this name did not finish. */
  | { readonly type: 'resumed'; readonly at: number; readonly by: string; readonly since: number }
  /** The inventory of an unfinished former run was not written with these credentials. */
  | { readonly type: 'unconfirmed'; readonly at: number; readonly object: string }
  /** Objects of a former deployment whose kinds the cluster does not serve any more. */
  | { readonly type: 'unserved'; readonly at: number; readonly objects: readonly string[] }
  | { readonly type: 'planned'; readonly at: number; readonly objects: readonly PlannedObject[] }
  | { readonly type: 'applied'; readonly at: number; readonly object: string; readonly action: 'create' | 'update' }
  | { readonly type: 'pruned'; readonly at: number; readonly object: string }
  | { readonly type: 'waiting'; readonly at: number; readonly objects: number; readonly deadline: number }
  /** The reason is empty where an earlier event has told it. */
  | { readonly type: 'undoing'; readonly at: number; readonly reason: string }
  | {
      readonly type: 'restored';
      readonly at: number;
      readonly object: string;
      readonly how: 'restored' | 'deleted' | 'created again';
    }
  | {
      readonly type: 'ended';
      readonly at: number;
      readonly verdict: DeployVerdict;
      readonly reason: string;
      /** What a person can do; empty after a success. */
      readonly next: string;
    }
  /** The run ended before it changed anything. */
  | {
      readonly type: 'refused';
      readonly at: number;
      readonly about: string;
      readonly problem: string;
      readonly next: string;
    };

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

/** The log lines about an object that did not get ready. */
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

const UNCONFIRMED =
  'was not written by a run with these credentials: how it was before the run that was stopped is not taken from there, and an undo goes back to what is there now.';

/** An event of a deployment as lines of a log. */
export function deployLines(event: DeployEvent): EventLine[] {
  switch (event.type) {
    case 'started':
      return [
        {
          level: 'info',
          text: `Deploys ${event.name} to namespace ${event.namespace}, by ${event.by}; manifests ${event.digest}`,
        },
      ];
    case 'resumed': {
      const since = new Date(event.since).toISOString();
      return [
        { level: 'warning', text: `The run of ${since} by ${event.by} did not come to its end; it is concluded now.` },
      ];
    }
    case 'unconfirmed':
      return [{ level: 'warning', text: `${event.object} ${UNCONFIRMED}` }];
    case 'unserved':
      return event.objects.map((object) => ({
        level: 'warning',
        text: `${object} of a former deployment is not pruned, and is forgotten: the cluster does not serve its kind any more.`,
      }));
    case 'planned':
      return [
        { level: 'info', text: planText(event.objects) },
        ...event.objects.flatMap(({ object, unchecked }) =>
          unchecked === undefined
            ? []
            : [{ level: 'info' as const, text: `${object} is checked when it is written: ${unchecked}` }],
        ),
      ];
    case 'applied':
      return [{ level: 'info', text: `${event.action === 'create' ? 'created' : 'changed'} ${event.object}` }];
    case 'pruned':
      return [{ level: 'info', text: `pruned ${event.object}` }];
    case 'waiting': {
      const until = new Date(event.deadline).toISOString().slice(11, 19);
      return [{ level: 'info', text: `Waits for ${countOf(event.objects)} to be ready, until ${until} at most` }];
    }
    case 'undoing':
      return [
        ...(event.reason === '' ? [] : linesOf('error', event.reason)),
        { level: 'warning', text: 'Goes back to how it was.' },
      ];
    case 'restored':
      return [{ level: 'info', text: `${event.how} ${event.object}` }];
    case 'ended': {
      const level = event.verdict === 'deployed' || event.verdict === 'unchanged' ? 'good' : 'error';
      return linesOf(level, `${event.verdict}: ${event.reason} ${event.next}`);
    }
    case 'refused':
      return linesOf('error', `${event.about}: ${event.problem} ${event.next}`);
    default:
      return waitLines(event);
  }
}

function linesOf(level: EventLine['level'], text: string): EventLine[] {
  return text
    .trim()
    .split('\n')
    .map((line) => ({ level, text: line.startsWith('  ') ? line : line.trim() }));
}

function countOf(objects: number): string {
  return objects === 1 ? 'one object' : `${objects} objects`;
}

function planText(objects: readonly PlannedObject[]): string {
  const names = {
    create: 'to create',
    update: 'to change',
    unchanged: 'unchanged',
    prune: 'to prune',
    keep: 'no longer in the manifests, kept',
  };
  const counts = Map.groupBy(objects, ({ action }) => names[action]);
  return [...counts].map(([name, of]) => `${of.length} ${name}`).join(', ');
}

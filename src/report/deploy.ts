import * as z from 'zod';
import { type DeployEvent, deployLines, type PlannedObject, type Stuck } from '../apply/events.ts';
import { deployVerdicts } from '../apply/inventory.ts';
import { parseJson } from '../core/json.ts';
import { adviceLine } from './advice.ts';
import { diffOf, shortened } from './diff.ts';
import { block, bold, code, details, GITHUB, joined, plain, table, withRuns } from './markdown.ts';
import { clockTime, span } from './sentences.ts';

const actions = ['create', 'update', 'unchanged', 'prune', 'keep'] as const;

const stuckPod = z.object({
  pod: z.string(),
  text: z.string(),
  events: z.array(z.string()),
  lines: z.array(z.string()),
});

const deployReport = z.object({
  schema: z.literal(1),
  name: z.string(),
  namespace: z.string(),
  by: z.string(),
  digest: z.string(),
  startedAt: z.number().optional(),
  endedAt: z.number().optional(),
  verdict: z.enum(deployVerdicts).optional(),
  reason: z.string(),
  /** What to do next; empty where there is nothing to do. */
  next: z.string(),
  objects: z.array(
    z.object({
      object: z.string(),
      action: z.enum(actions),
      /** The visible change; empty where nothing changes. */
      diff: z.string(),
      /** The last known state: `created`, `3 of 3 updated, 3 available`. */
      state: z.string(),
      /** The object was written and not undone. */
      written: z.boolean(),
    }),
  ),
  /** The objects that did not get ready, and why. */
  stuck: z.array(
    z.object({
      object: z.string(),
      text: z.string(),
      next: z.string(),
      events: z.array(z.string()),
      pods: z.array(stuckPod),
    }),
  ),
  notes: z.array(z.object({ at: z.number(), text: z.string() })),
});

/** A run of `actions/kubectl-deploy`, as in its JSON report. Times are milliseconds since the Unix epoch. */
export type DeployReport = z.infer<typeof deployReport>;

export const emptyDeployReport: DeployReport = {
  schema: 1,
  name: '',
  namespace: '',
  by: '',
  digest: '',
  reason: '',
  next: '',
  objects: [],
  stuck: [],
  notes: [],
};

/** Reads a report that another process of this run has written. */
export function parseDeployReport(json: string): DeployReport {
  return deployReport.parse(parseJson(json));
}

/** The report with one more event. */
export function withDeployEvent(report: DeployReport, event: DeployEvent): DeployReport {
  const notes = [...report.notes, ...deployLines(event).map(({ text }) => ({ at: event.at, text }))];
  const told = { ...report, notes };
  switch (event.type) {
    case 'started': {
      const { name, namespace, by, digest, at } = event;
      return { ...told, name, namespace, by, digest, startedAt: report.startedAt ?? at };
    }
    case 'planned':
      return { ...told, objects: event.objects.map(reportedObject) };
    case 'applied':
      return withObject(told, event.object, {
        state: event.action === 'create' ? 'created' : 'changed',
        written: true,
      });
    case 'pruned':
      return withObject(told, event.object, { state: 'deleted', written: true });
    case 'restored':
      return withObject(told, event.object, { state: event.how, written: false });
    case 'progress':
      return withObject(told, event.object, { state: event.text });
    case 'stuck':
      return { ...told, stuck: event.objects.map(reportedStuck) };
    case 'ended': {
      const { at, verdict, reason, next } = event;
      return { ...told, endedAt: at, verdict, reason, next };
    }
    case 'refused': {
      const { at, about, problem, next } = event;
      return { ...told, endedAt: at, reason: `${about}: ${problem}`, next };
    }
    default:
      return told;
  }
}

function reportedObject({ object, action, write }: PlannedObject): DeployReport['objects'][number] {
  return { object, action, diff: write ? diffOf(write) : '', state: '', written: false };
}

function reportedStuck({ pods, events, ...stuck }: Stuck): DeployReport['stuck'][number] {
  return {
    ...stuck,
    events: [...events],
    pods: pods.map((pod) => ({ ...pod, events: [...pod.events], lines: [...pod.lines] })),
  };
}

function withObject(
  report: DeployReport,
  name: string,
  change: Partial<DeployReport['objects'][number]>,
): DeployReport {
  return {
    ...report,
    objects: report.objects.map((known) => (known.object === name ? { ...known, ...change } : known)),
  };
}

/** Whether an object was written and not undone. */
export function hasChanged({ objects }: DeployReport): boolean {
  return objects.some(({ written }) => written);
}

const marks = { deployed: '✅', unchanged: '✅', undone: '⏪', failed: '⛔' } as const;

/** GitHub allows 1 MiB per step. */
const LIMIT = 900_000;

/** The job summary as Markdown: how the run ended and what to do first, then the reasons, then the changes. */
export function renderDeploySummary(report: DeployReport, server = GITHUB): string {
  const parts = [
    headline(report),
    next(report),
    stuck(report),
    objects(report),
    ...diffs(report),
    timeline(report),
    footer(report, server),
  ];
  return joined(parts, LIMIT);
}

function headline(report: DeployReport): string {
  const { verdict, reason, name, endedAt, objects: planned } = report;
  const subject = name === '' ? '' : `: ${plain(name)}`;
  if (verdict)
    return `## ${marks[verdict]} ${verdict[0]?.toUpperCase()}${verdict.slice(1)}${subject}\n\n${bold(first(reason))}`;
  const changed = hasChanged(report) ? 'before its end' : 'nothing was changed';
  if (endedAt !== undefined) return `## ⛔ Stopped, ${changed}${subject}\n\n${block('text', reason.trim())}`;
  const count = planned.filter(({ action }) => action !== 'unchanged' && action !== 'keep').length;
  return `## 📝 Dry run${subject}\n\n**${count} of ${planned.length} objects would change; nothing was changed.**`;
}

/** The reason without the last lines of a log, which are shown below. */
function first(reason: string): string {
  return reason.split(/ Its last lines:|\n/)[0] ?? '';
}

function next({ next: todo }: DeployReport): string {
  return todo === '' ? '' : `### What to do next\n\n- ${adviceLine(todo)}`;
}

function stuck({ stuck: found }: DeployReport): string {
  if (found.length === 0) return '';
  const parts = found.map(({ object, text, events, pods }) => {
    const told = pods.flatMap((pod) => [
      `pod ${pod.pod} ${pod.text}`,
      ...pod.events.map((line) => `  event: ${line}`),
      ...pod.lines.map((line) => `  | ${line}`),
    ]);
    const lines = [...events.map((line) => `event: ${line}`), ...told];
    return `${bold(object)}: ${plain(text)}\n\n${lines.length === 0 ? '' : block('text', lines.join('\n'))}`;
  });
  return `### What did not get ready\n\n${parts.join('\n\n')}`;
}

const actionNames = {
  create: '➕ created',
  update: '✏️ changed',
  unchanged: 'unchanged',
  prune: '➖ pruned',
  keep: 'kept, no longer in the manifests',
} as const;

function objects({ objects: planned }: DeployReport): string {
  if (planned.length === 0) return '';
  const rows = planned.map(({ object, action, state }) => [code(object), actionNames[action], plain(state)]);
  return `### Objects\n\n${table(['Object', 'Plan', 'Now'], rows)}`;
}

/** The diffs, each as a part of its own, smallest first, so that a large one does not crowd out the others. */
function diffs({ objects: planned }: DeployReport): string[] {
  return planned
    .filter(({ diff }) => diff !== '')
    .toSorted((a, b) => a.diff.length - b.diff.length)
    .map(({ object, diff }) => details(`Diff of ${object}`, block('diff', shortened(diff))));
}

function timeline({ notes }: DeployReport): string {
  const lines = notes.map(({ at, text }) => `${clockTime(at)}  ${text}`);
  return lines.length === 0 ? '' : details('What happened when (UTC)', block('text', lines.join('\n')));
}

function footer({ startedAt, endedAt, digest, namespace, by }: DeployReport, server: string): string {
  const time = startedAt !== undefined && endedAt !== undefined ? [`in ${span(endedAt - startedAt)}`] : [];
  const facts = [`namespace ${code(namespace)}`, `manifests ${code(digest)}`, ...time, `by ${withRuns(by, server)}`];
  return digest === '' ? '' : `<sub>${facts.join(' · ')}</sub>`;
}

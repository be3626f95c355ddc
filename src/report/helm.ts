import * as z from 'zod';
import { parseJson } from '../core/json.ts';
import { type HelmEvent, type HelmVerdict, helmVerdicts } from '../helm/events.ts';
import { diffOf, shortened } from './diff.ts';
import { block, bold, code, details, joined, plain, table } from './markdown.ts';
import { clockTime } from './sentences.ts';

const helmReportSchema = z.object({
  schema: z.literal(1),
  mode: z.string(),
  release: z.string(),
  by: z.string(),
  startedAt: z.number().optional(),
  endedAt: z.number().optional(),
  verdict: z.enum(helmVerdicts).optional(),
  reason: z.string(),
  /** What to do next; empty where there is nothing to do. */
  next: z.string(),
  /** The run stopped before anything was written. */
  refused: z.boolean(),
  chartDigest: z.string(),
  stable: z.string(),
  canary: z.string(),
  previousRevision: z.number().optional(),
  now: z
    .object({
      revision: z.number(),
      chart: z.string(),
      chartVersion: z.string(),
      appVersion: z.string(),
      manifestDigest: z.string(),
      /** Absent where the cluster could not be read. */
      resources: z.array(z.string()).optional(),
    })
    .optional(),
  writes: z.array(z.object({ object: z.string(), action: z.enum(['create', 'update', 'delete']), diff: z.string() })),
  notes: z.array(z.object({ at: z.number(), level: z.enum(['info', 'good', 'warning']), text: z.string() })),
});

/** A run of `actions/helm-deploy`, as in its JSON report. Times are milliseconds since the Unix epoch. */
export type HelmReport = z.infer<typeof helmReportSchema>;

export const emptyHelmReport: HelmReport = {
  schema: 1,
  mode: '',
  release: '',
  by: '',
  reason: '',
  next: '',
  refused: false,
  chartDigest: '',
  stable: '',
  canary: '',
  writes: [],
  notes: [],
};

/** Reads a report that another process of this run has written. */
export function parseHelmReport(json: string): HelmReport {
  return helmReportSchema.parse(parseJson(json));
}

/** The report with one more event. */
export function withHelmEvent(report: HelmReport, event: HelmEvent): HelmReport {
  switch (event.type) {
    case 'started': {
      const { mode, release, by, at } = event;
      return { ...report, mode, release, by, startedAt: report.startedAt ?? at };
    }
    case 'note': {
      const { at, level, text } = event;
      return { ...report, notes: [...report.notes, { at, level, text }] };
    }
    case 'progress':
    case 'writing':
      return report;
    case 'chart':
      return { ...report, chartDigest: event.digest };
    case 'beside':
      return { ...report, stable: event.stable, canary: event.canary };
    case 'found':
      return { ...report, previousRevision: event.revision };
    case 'planned': {
      const writes = event.writes.map((write) => ({ object: write.object, action: write.action, diff: diffOf(write) }));
      return { ...report, writes };
    }
    case 'ended': {
      const { at, verdict, reason, next = '', release } = event;
      const now = release && { ...release, resources: release.resources && [...release.resources] };
      return { ...report, endedAt: at, verdict, reason, next, refused: false, ...(now && { now }) };
    }
    case 'failed': {
      const reason = `${event.about}: ${event.problem}`;
      return { ...report, endedAt: event.at, verdict: 'failed', reason, next: event.next, refused: event.unchanged };
    }
  }
}

const marks: Readonly<Record<HelmVerdict, string>> = {
  deployed: '✅ Deployed',
  unchanged: '✅ Unchanged',
  'rolled-back': '⏪ Rolled back',
  uninstalled: '🗑️ Uninstalled',
  failed: '⛔ Failed',
};

/** GitHub allows 1 MiB per step; each step's summary counts separately. */
const LIMIT = 900_000;

/** The job summary as Markdown, below GitHub's limit of 1 MiB. */
export function renderHelmSummary(report: HelmReport): string {
  const parts = [headline(report), facts(report), objects(report), ...diffs(report), timeline(report)];
  return joined(parts, LIMIT);
}

/** The mark of a run without a verdict: it is running, or was a dry run. */
function unended(endedAt: number | undefined): string {
  return endedAt === undefined ? '⏳ Running' : '📝 Dry run';
}

function headline({ verdict, refused, release, reason, next, endedAt }: HelmReport): string {
  const mark = verdict === undefined ? unended(endedAt) : refused ? '⛔ Stopped, nothing was changed' : marks[verdict];
  const lines = [`## ${mark}: ${plain(release)}`, bold(reason), ...(next === '' ? [] : [plain(next)])];
  return lines.join('\n\n');
}

function facts({ now, previousRevision, chartDigest }: HelmReport): string {
  if (!now) return '';
  const rows = [
    ['Revision', String(now.revision)],
    ['Before', previousRevision === undefined ? 'none' : String(previousRevision)],
    ['Chart', code(`${now.chart} ${now.chartVersion}`)],
    ['App version', code(now.appVersion || 'none')],
    ...(chartDigest === '' ? [] : [['Chart digest', code(chartDigest)]]),
    ['Objects', `${now.resources?.length ?? 'unknown'}, ${code(now.manifestDigest)}`],
  ];
  return table(['', ''], rows);
}

function objects({ writes }: HelmReport): string {
  if (writes.length === 0) return '';
  const rows = writes.map(({ action, object }) => [code(object), action]);
  return `### Objects that change\n\n${table(['Object', 'Plan'], rows)}`;
}

/** The diffs, each as a part of its own, smallest first, so that a large one does not crowd out the others. */
function diffs({ writes }: HelmReport): string[] {
  return writes
    .toSorted((a, b) => a.diff.length - b.diff.length)
    .map(({ action, object, diff }) => details(`${action} ${object}`, block('diff', shortened(diff))));
}

function timeline({ notes }: HelmReport): string {
  if (notes.length === 0) return '';
  const lines = notes.map(({ at, text }) => `- ${code(clockTime(at))} ${plain(text)}`);
  return details('What happened when (UTC)', lines.join('\n'));
}

import * as z from 'zod';
import { adviceLine } from './advice.ts';
import { block, bold, code, details, GITHUB, plain, table, withRuns } from './markdown.ts';
import { clockTime } from './sentences.ts';

const version = z.object({ number: z.number(), id: z.string(), images: z.record(z.string(), z.string()) });

/** The JSON report of a rollback by hand, stored beside the summary. Times are milliseconds since the epoch. */
export const rollbackReportSchema = z.object({
  schema: z.literal(1),
  kind: z.literal('rollback'),
  workload: z.string(),
  /** The version as the input named it. */
  wanted: z.string(),
  by: z.string(),
  dryRun: z.boolean(),
  startedAt: z.number(),
  endedAt: z.number().optional(),
  /** Absent after a dry run. */
  verdict: z.enum(['rolled-back', 'unchanged', 'failed']).optional(),
  reason: z.string(),
  /** What a person can do about a failure. */
  next: z.string().optional(),
  from: version.optional(),
  to: version.optional(),
  digest: z.string(),
  /** The versions that the cluster keeps, newest first. */
  candidates: z.array(version.extend({ state: z.enum(['healthy', 'unknown', 'rolled-back']), remark: z.string() })),
  notes: z.array(z.object({ at: z.number(), level: z.enum(['info', 'good', 'warning']), text: z.string() })),
  /** Set in a dry run only: the planned write, as a diff. */
  diff: z.string().optional(),
});
export type RollbackReport = z.infer<typeof rollbackReportSchema>;

const marks = { 'rolled-back': '⏪', unchanged: '✅', failed: '⛔' } as const;
const names = { 'rolled-back': 'Rolled back', unchanged: 'Unchanged', failed: 'Failed' } as const;

/** The job summary as Markdown: result and reason first, then the available versions. */
export function renderRollback(report: RollbackReport, server = GITHUB): string {
  const { workload, verdict, reason, next, dryRun, by, wanted, diff } = report;
  const title = verdict ? `${marks[verdict]} ${names[verdict]}` : dryRun ? '📝 Dry run' : '⏳ Running';
  const parts = [
    `## ${title}: ${plain(workload)}\n\n${bold(reason)}`,
    next === undefined ? '' : `### What to do next\n\n- ${adviceLine(next)}`,
    diff === undefined ? '' : `### What would be written\n\n${block('diff', diff)}`,
    versions(report),
    timeline(report),
    `<sub>asked for ${code(wanted)} · by ${withRuns(by, server)}</sub>`,
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function versions({ candidates, from, to }: RollbackReport): string {
  if (candidates.length === 0) return '';
  const states = { healthy: '✅', unknown: '❔', 'rolled-back': '⛔' };
  const rows = candidates.map(({ number, id, images, state, remark }) => [
    `${number}${id === to?.id ? ' ← **this one**' : id === from?.id ? ' (left)' : ''}`,
    Object.values(images).map(code).join('<br>'),
    states[state],
    plain(remark),
  ]);
  return `### Versions\n\n${table(['Revision', 'Images', '', 'What is known of it'], rows)}`;
}

function timeline({ notes }: RollbackReport): string {
  if (notes.length === 0) return '';
  const lines = notes.map(({ at, text }) => `- ${code(clockTime(at))} ${plain(text)}`);
  return details('What happened when (UTC)', lines.join('\n'));
}

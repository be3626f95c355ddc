import { parseJson } from '../../core/json.ts';
import { excerpt } from '../../core/text.ts';
import type { DrillEvent, DrillVerdict } from '../../drills/events.ts';
import { drillBadge } from '../../report/drill/drill-badge.ts';
import { withDrillEvent } from '../../report/drill/drill-events.ts';
import { type DrillReport, drillReportSchema, newDrillReport } from '../../report/drill/drill-report.ts';
import { renderDrill } from '../../report/drill/drill-summary.ts';
import { verdictNames } from '../../report/drill/drill-words.ts';
import type { Reporting, Run } from '../../runner/define.ts';
import { failureOf } from '../../runner/failure.ts';
import { readLeft, writeJson, writePage } from '../../runner/results.ts';
import { createLog } from './log.ts';
import { badgePath, type DrillOutput, outputsOf } from './outputs.ts';

/** The inputs that the report needs. */
export interface DrillSettings {
  readonly service: string;
  /** Of the drill: a service can have several. */
  readonly name: string;
  readonly report?: string | undefined;
  readonly 'dry-run': boolean;
  /** Keeps an issue while the drill fails. */
  readonly issue: boolean;
  readonly token?: string | undefined;
  /** The verdicts that fail the job. */
  readonly 'fail-on': readonly DrillVerdict[];
}

/** What changes the cluster is written at once, so that `post` reports it even if the process is killed. */
const kept: ReadonlySet<DrillEvent['type']> = new Set(['injecting', 'injected', 'removed', 'measured']);

const REPORT_IT = 'Please report it with this log; the next run of the drill removes what this one has left.';

/** Log, annotations, outputs, summary, page and badge of one drill. */
export const drillReport: Reporting<DrillSettings, DrillOutput, DrillEvent, DrillReport> = {
  path: ({ report }) => report,
  begin: async ({ step, inputs, facts, clock }, path) => {
    const { service, name, 'dry-run': dryRun } = inputs;
    const empty = newDrillReport({ service, name, dryRun, by: facts.startedBy, startedAt: clock.now() });
    // Only that of this run: another one may have been left in the workspace.
    return step === 'post' ? readLeft(path, (json) => drillReportSchema.parse(parseJson(json)), empty) : empty;
  },
  follow: withDrillEvent,
  speaker(run) {
    const log = createLog(run.log, run.facts);
    const annotate = createAnnotations(run);
    return {
      tell(event) {
        log(event);
        annotate(event);
      },
      failed: (error) => ({ type: 'failed', at: run.clock.now(), failure: failureOf(error, REPORT_IT) }),
    };
  },
  keeps: ({ type }) => kept.has(type),
  outputs: outputsOf,
  summary: renderDrill,
  beside: async (report, path, run) => {
    const { redact, facts, inputs } = run;
    if (inputs.issue) {
      const { keepDrillIssue } = await import('./keep-issue.ts');
      await keepDrillIssue(report, run);
    }
    await Promise.all([
      report.dryRun ? undefined : writeJson(drillBadge(report), badgePath(path), redact),
      writePage(report, path, redact, async (json) => {
        // Loaded at the end, so that a drill begins without it.
        const { drillPage } = await import('../../report/page/drill-page.ts');
        return drillPage(drillReportSchema.parse(json), facts.server);
      }),
    ]);
  },
};

/** GitHub shows ten annotations of a kind per step; further warnings are only in the log. */
const MOST_WARNINGS = 8;

/** Characters of an annotation that are read. */
const LONGEST = 1_000;

/** Annotates what a person must see without opening the log: the verdict, what is left, a failure, warnings. */
export function createAnnotations({
  inputs,
  annotate,
}: Pick<Run<DrillSettings, DrillOutput>, 'inputs' | 'annotate'>): (event: DrillEvent) => void {
  let warnings = 0;
  const fails = inputs['fail-on'];

  return (event) => {
    switch (event.type) {
      case 'warning':
        warnings += 1;
        if (warnings <= MOST_WARNINGS) annotate.warning(excerpt(event.message, LONGEST), { title: 'Sluice drill' });
        return;
      case 'stopped':
        return annotate.warning(excerpt(event.reason, LONGEST), { title: 'Sluice drill: the stop condition was met' });
      case 'ended': {
        const { verdict, reason, left } = event.outcome;
        if (left.length > 0)
          annotate.error(excerpt(left.join(' '), LONGEST), { title: 'Sluice drill: left in the cluster' });
        const title = `Sluice drill: ${verdict === undefined ? 'dry run' : verdictNames[verdict]}`;
        const text = excerpt(reason, LONGEST);
        if (verdict === undefined || verdict === 'resilient') return annotate.notice(text, { title });
        return fails.includes(verdict) ? annotate.error(text, { title }) : annotate.warning(text, { title });
      }
      case 'compared': {
        const worse = event.changes.filter(({ state }) => state === 'worse');
        if (worse.length === 0) return;
        const text = worse.map(({ fault, figure, sentence }) => `${figure} of ${fault}: ${sentence}`).join('; ');
        return annotate.warning(excerpt(text, LONGEST), { title: 'Sluice drill: worse than before' });
      }
      case 'failed': {
        const { about, problem, next } = event.failure;
        return annotate.error(`${about}: ${problem} ${next}`, { title: 'Sluice drill: no answer' });
      }
    }
  };
}

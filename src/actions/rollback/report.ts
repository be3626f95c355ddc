import type { Emit } from '../../canary/events.ts';
import type { Clock } from '../../core/clock.ts';
import type { PlannedWrite } from '../../core/planned-write.ts';
import { diffOf } from '../../report/diff.ts';
import { type RollbackReport, renderRollback } from '../../report/rollback-report.ts';
import { podTitle, sentenceOf } from '../../report/sentences.ts';
import { type Candidate, describeCandidate } from '../../rollback/choose.ts';
import type { Revision } from '../../rollback/ports.ts';
import type { RollbackOutcome } from '../../rollback/rollback.ts';
import type { RollbackWorld } from '../../rollback/world.ts';
import type { ReportedRun, Reporting, Run } from '../../runner/define.ts';
import { failureOf } from '../../runner/failure.ts';
import { createLines, levelStyles } from '../../runner/log-lines.ts';
import { oneLine } from '../../runner/log-text.ts';
import type { loadRollbackInputs, rollbackOutputs } from './inputs.ts';

type Inputs = ReturnType<typeof loadRollbackInputs>;
type Output = keyof typeof rollbackOutputs;
export type RollbackRun = ReportedRun<Inputs, Output, RollbackEvent>;

/** Receives the reports of a rollback. */
export type Audience = Pick<RollbackWorld, 'tell' | 'considered' | 'planned'> & { readonly emit: Emit };

/** What happens in a rollback. */
export type RollbackEvent =
  | { readonly type: 'started'; readonly at: number; readonly object: string }
  | ({ readonly type: 'note' } & RollbackReport['notes'][number])
  | { readonly type: 'considered'; readonly candidates: readonly Candidate[]; readonly chosen: Revision }
  | { readonly type: 'planned'; readonly write: PlannedWrite }
  | { readonly type: 'ended'; readonly at: number; readonly outcome: RollbackOutcome }
  | { readonly type: 'failed'; readonly at: number; readonly reason: string; readonly next: string };

/** Turns the reports of a rollback, and of the rollout that it ends, into events. */
export function audienceOf({ emit, clock }: { readonly clock: Clock; emit(event: RollbackEvent): void }): Audience {
  const tell: Audience['tell'] = (level, text) => emit({ type: 'note', at: clock.now(), level, text });
  return {
    tell,
    considered: (candidates, chosen) => emit({ type: 'considered', candidates, chosen }),
    planned: (write) => emit({ type: 'planned', write }),
    // The events of a rollout that the rollback ends.
    emit(event) {
      if (event.type === 'interval' || event.type === 'looked' || event.type === 'planned') return;
      if (event.type === 'pod-details') {
        for (const pod of event.details) tell('warning', podTitle(pod));
        return;
      }
      const { level, text } = sentenceOf(event);
      tell(level === 'error' ? 'warning' : level, text);
    },
  };
}

/** Log, annotations, outputs, summary and report of one rollback. */
export const rollbackReport: Reporting<Inputs, Output, RollbackEvent, RollbackReport> = {
  path: ({ report }) => report,
  begin: async ({ inputs, facts, clock }) => ({
    schema: 1,
    kind: 'rollback',
    workload: `${inputs.workload.kind} ${inputs.workload.name}`,
    wanted: inputs.revision,
    by: facts.startedBy,
    dryRun: inputs['dry-run'],
    startedAt: clock.now(),
    reason: 'nothing was begun',
    digest: '',
    candidates: [],
    notes: [],
  }),
  follow: withRollbackEvent,
  speaker: (run) => ({
    tell: createTeller(run),
    failed(error) {
      const { about, problem, next } = failureOf(error, 'Please report it with this log; running again is safe.');
      return { type: 'failed', at: run.clock.now(), reason: `${about}: ${problem}`, next };
    },
  }),
  outputs: outputsOf,
  summary: renderRollback,
};

function withRollbackEvent(report: RollbackReport, event: RollbackEvent): RollbackReport {
  switch (event.type) {
    case 'started':
      return { ...report, workload: event.object };
    case 'note': {
      const { at, level, text } = event;
      return { ...report, notes: [...report.notes, { at, level, text }] };
    }
    case 'considered':
      return { ...report, candidates: event.candidates.map(candidateOf), to: versionOf(event.chosen) };
    case 'planned':
      return { ...report, diff: diffOf(event.write) };
    case 'ended': {
      const { verdict, reason, from, to, digest } = event.outcome;
      const found = { from: versionOf(from), to: versionOf(to) };
      return { ...report, ...found, ...(verdict && { verdict }), reason, digest, endedAt: event.at };
    }
    case 'failed':
      return { ...report, verdict: 'failed', reason: event.reason, next: event.next, endedAt: event.at };
  }
}

/** The log and the annotations. */
function createTeller({ inputs, facts, log, annotate }: Run<Inputs, Output>): (event: RollbackEvent) => void {
  const { line, diff } = createLines(log, facts);
  let known = '[]';

  function list(candidates: readonly Candidate[]): void {
    const found = JSON.stringify(candidates.map(candidateOf));
    if (found === known) return;
    known = found;
    log.startGroup('Versions that the cluster keeps');
    for (const candidate of candidates) log.info(oneLine(describeCandidate(candidate)));
    log.endGroup();
  }

  return (event) => {
    switch (event.type) {
      case 'started':
        return line(event.at, `${event.object}: ${inputs.revision} is asked for by ${facts.startedBy}`);
      case 'note':
        line(event.at, event.text, levelStyles[event.level]);
        if (event.level === 'warning') annotate.warning(event.text, { title: 'Sluice rollback' });
        return;
      case 'considered':
        return list(event.candidates);
      case 'planned':
        return diff(`Would ${event.write.action} ${event.write.object}`, event.write);
      case 'ended': {
        const { verdict, reason, to } = event.outcome;
        return annotate.notice(reason, { title: `Sluice: ${verdict ?? 'dry run'}, revision ${to.number}` });
      }
      case 'failed':
        return annotate.error(`${event.reason} ${event.next}`, { title: 'Sluice: rollback failed' });
    }
  };
}

function outputsOf(report: RollbackReport, path: string): Record<Output, string> {
  const { verdict, reason, from, to, digest } = report;
  const over = verdict === 'rolled-back' || verdict === 'unchanged';
  return {
    verdict: verdict ?? '',
    reason,
    revision: over && to ? String(to.number) : '',
    'previous-revision': verdict === 'rolled-back' && from ? String(from.number) : '',
    digest,
    report: path,
  };
}

function versionOf({ number, id, images }: Revision): NonNullable<RollbackReport['to']> {
  return { number, id, images: Object.fromEntries(images) };
}

function candidateOf({ revision, state, remark }: Candidate): RollbackReport['candidates'][number] {
  return { ...versionOf(revision), state, remark };
}

import { error as annotateError, notice, warning } from '@actions/core';
import { systemClock } from '../../core/clock.ts';
import { diffOf } from '../../report/diff.ts';
import { type RollbackReport, renderRollback } from '../../report/rollback-report.ts';
import { podTitle, sentenceOf } from '../../report/sentences.ts';
import { type Candidate, describeCandidate } from '../../rollback/choose.ts';
import type { Revision } from '../../rollback/ports.ts';
import { type RollbackOutcome, rollback } from '../../rollback/rollback.ts';
import { listenForCancellation } from '../../runner/cancellation.ts';
import { failureOf } from '../../runner/failure.ts';
import { type RunnerFacts, runnerFacts } from '../../runner/github.ts';
import { loadGiven } from '../../runner/load-given.ts';
import { createLines, levelStyles } from '../../runner/log-lines.ts';
import { oneLine } from '../../runner/log-text.ts';
import type { Redact } from '../../runner/redact.ts';
import { publishResults, reportPath } from '../../runner/results.ts';
import { runnerLog } from '../../runner/runner-log.ts';
import { clusterSecrets } from '../../runner/secrets.ts';
import { type Audience, assembleRollback } from './assemble.ts';
import { loadRollbackInputs, type rollbackOutputs } from './inputs.ts';

type Environment = Readonly<Record<string, string | undefined>>;
type Inputs = ReturnType<typeof loadRollbackInputs>;

/**
 * `actions/rollback`: from the inputs to the verdict. It has no `post` step: what a stopped run has written down is gone on
 * with by the next one, and going back half way to the version that is being left would help nobody.
 */
export async function rollbackMain(env: Environment): Promise<void> {
  using cancellation = listenForCancellation(process);
  const facts = runnerFacts(env);
  const loaded = loadGiven(env, clusterSecrets, loadRollbackInputs);
  if (!loaded) return;
  const { inputs, redact } = loaded;
  const told = gather(inputs, facts, redact);
  const lifetime = new AbortController();
  try {
    const assembly = { inputs, facts, env, clock: systemClock, audience: told.audience, lifetime: lifetime.signal };
    const { world, options, close } = await assembleRollback(assembly, cancellation.cancelled);
    told.named(world.workload.object);
    try {
      told.ended(await rollback(world, options, cancellation.cancelled));
    } finally {
      await close();
    }
  } catch (error) {
    told.failed(error);
    process.exitCode = 1;
  } finally {
    lifetime.abort();
    await told.publish();
  }
}

/** Log, annotations, outputs, summary and report of one rollback. */
function gather(inputs: Inputs, facts: RunnerFacts, redact: Redact) {
  const path = reportPath(inputs.report, facts);
  const log = runnerLog(redact);
  const { line, diff } = createLines(log, facts);
  let report: RollbackReport = {
    schema: 1,
    kind: 'rollback',
    workload: `${inputs.workload.kind} ${inputs.workload.name}`,
    wanted: inputs.revision,
    by: facts.startedBy,
    dryRun: inputs['dry-run'],
    startedAt: systemClock.now(),
    reason: 'nothing was begun',
    digest: '',
    candidates: [],
    notes: [],
  };

  const tell: Audience['tell'] = (level, text) => {
    const at = systemClock.now();
    line(at, text, levelStyles[level]);
    if (level === 'warning') warning(redact(text), { title: 'Sluice rollback' });
    report = { ...report, notes: [...report.notes, { at, level, text }] };
  };
  const audience: Audience = {
    tell,
    considered(candidates, chosen) {
      const isSame = JSON.stringify(report.candidates) === JSON.stringify(candidates.map(candidateOf));
      report = { ...report, candidates: candidates.map(candidateOf), to: versionOf(chosen) };
      if (isSame) return;
      log.startGroup('Versions that the cluster keeps');
      for (const candidate of candidates) log.info(oneLine(describeCandidate(candidate)));
      log.endGroup();
    },
    planned(write) {
      report = { ...report, diff: diffOf(write) };
      diff(`Would ${write.action} ${write.object}`, write);
    },
    // What a rollout tells while it is ended.
    emit(event) {
      if (event.type === 'interval' || event.type === 'planned') return;
      if (event.type === 'pod-details') {
        for (const pod of event.details) tell('warning', podTitle(pod));
        return;
      }
      const { level, text } = sentenceOf(event);
      tell(level === 'error' ? 'warning' : level, text);
    },
  };

  return {
    audience,
    named(object: string): void {
      report = { ...report, workload: object };
      line(systemClock.now(), `${object}: ${inputs.revision} is asked for by ${facts.startedBy}`);
    },
    ended({ verdict, reason, from, to, digest }: RollbackOutcome): void {
      const found = { from: versionOf(from), to: versionOf(to) };
      report = { ...report, ...found, ...(verdict && { verdict }), reason, digest, endedAt: systemClock.now() };
      const title = `Sluice: ${verdict ?? 'dry run'}, revision ${to.number}`;
      notice(redact(reason), { title });
    },
    failed(error: unknown): void {
      const { about, problem, next } = failureOf(error, 'Please report it with this log; running again is safe.');
      const reason = `${about}: ${problem}`;
      report = { ...report, verdict: 'failed', reason, next, endedAt: systemClock.now() };
      annotateError(redact(`${reason} ${next}`), { title: 'Sluice: rollback failed' });
    },
    async publish(): Promise<void> {
      const outputs = outputsOf(report, path);
      await publishResults({ outputs, report, path, summary: renderRollback(report) }, redact);
    },
  };
}

function outputsOf(report: RollbackReport, path: string): Record<keyof typeof rollbackOutputs, string> {
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

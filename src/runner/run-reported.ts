import { getState, saveState } from '@actions/core';
import type { ReportedAction, ReportedRun, Reporting, Run } from './define.ts';
import { type Launch, openRun } from './open-run.ts';
import { reportPath, writeJson } from './results.ts';
import { loadRunState, saveRunState } from './state.ts';

/** Runs a step of an action that reports by events. */
export async function runReported<Inputs, Output extends string, Event, Report>(
  action: ReportedAction<Inputs, Output, Event, Report>,
  launch: Launch,
): Promise<void> {
  const left = launch.step === 'post' ? loadRunState({ getState }) : undefined;
  if (launch.step === 'post' && (!left || left.over)) return;
  const opened = await openRun(action, launch);
  if (!opened) return;
  const path = left?.report ?? reportPath(action.report.path(opened.inputs), opened.facts);
  const audience = await action.report
    .begin(opened, path)
    .then((report) => gather(action.report, opened, { path, report }));
  const state = { id: opened.facts.identity, report: path };
  const save = (over: boolean) => saveRunState({ saveState }, { ...state, over }, opened.redact);
  const lifetime = new AbortController();
  const closers: (() => Promise<void>)[] = [];
  let isBegun = false;
  let isPublished = true;
  let isOver = false;
  const run: ReportedRun<Inputs, Output, Event> = {
    ...opened,
    lifetime: lifetime.signal,
    closing: (close) => closers.push(close),
    emit: audience.emit,
    begun() {
      isBegun = true;
      save(false);
    },
    leaveUnpublished() {
      isPublished = false;
    },
  };
  try {
    try {
      if (launch.step === 'main') await action.main(run);
      else await action.post?.(run, left?.id ?? '');
    } finally {
      for (const close of closers.toReversed()) await close();
    }
    isOver = true;
  } catch (error) {
    isOver = action.leaves === 'a cancellation' && !launch.signal.aborted;
    audience.failed(error);
    run.fail();
    isPublished = true;
  } finally {
    lifetime.abort();
    if (isPublished) await audience.publish();
  }
  // Only after publishing: `post` must still conclude a run whose verdict was not reported.
  if (launch.step === 'main' && isBegun && isOver) save(true);
}

/** What the events of a run go to: the log, the annotations, and the report that outputs and summary are made of. */
function gather<Inputs, Output extends string, Event, Report>(
  reporting: Reporting<Inputs, Output, Event, Report>,
  run: Run<Inputs, Output>,
  { path, report: begun }: { readonly path: string; readonly report: Report },
) {
  const { outputs, summary, beside } = reporting;
  let report = begun;
  const speaker = reporting.speaker(run, report);
  let writing = Promise.resolve();
  const emit = (event: Event) => {
    report = reporting.follow(report, event);
    speaker.tell(event);
    if (reporting.keeps?.(event)) {
      writing = writing.then(() => writeJson(report, path, run.redact)).catch(() => undefined);
    }
  };
  return {
    emit,
    failed: (error: unknown) => emit(speaker.failed(error)),
    async publish(): Promise<void> {
      await writing;
      await run.publish({
        outputs: outputs(report, path),
        report,
        path,
        summary: summary(report, run.facts.server),
        ...(beside && { beside: () => beside(report, path, run) }),
      });
    },
  };
}

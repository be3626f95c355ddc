import { endGroup, info, startGroup } from '@actions/core';
import { type LogSink, withoutCommands } from './log-text.ts';
import type { Redact } from './redact.ts';

/** The log of the job, without secrets and without commands to the runner. */
export function runnerLog(redact: Redact): LogSink {
  const clean = (line: string) => withoutCommands(redact(line));
  return { info: (line) => info(clean(line)), startGroup: (title) => startGroup(clean(title)), endGroup };
}

import { endGroup, info, startGroup } from '@actions/core';
import type { LogSink } from './log-text.ts';
import type { Redact } from './redact.ts';

/** The log of the job, which no secret gets into. */
export function runnerLog(redact: Redact): LogSink {
  return { info: (line) => info(redact(line)), startGroup: (title) => startGroup(redact(title)), endGroup };
}
